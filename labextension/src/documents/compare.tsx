/** Runs side by side, as a tab of the main area. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { useState, type ReactElement } from 'react';
import type { Run } from '../api/types';
import { StateIcon } from '../controls/marks';
import { pipelineIcon } from '../icons';
import { formatMetric } from '../panels/runs/body';
import { formatSeconds, wordOf } from '../runs/state';
import { formatWhen } from '../runs/when';
import { changeInPercent, compareRuns, inOrderOfTime, scaleOf, type ComparedRow, type Value } from './comparison';

interface ViewProps {
  readonly runs: readonly Run[];
  readonly trans: TranslationBundle;
}

export function makeComparison(runs: readonly Run[], trans: TranslationBundle): MainAreaWidget {
  const content = ReactWidget.create(<CompareView {...{ runs, trans }} />);
  content.addClass('jp-pipe-Compare');
  const widget = new MainAreaWidget({ content });
  widget.id = `jupyter-pipe-compare-${runs.map(run => run.run_id).join('-')}`;
  widget.title.label = trans.__('Compare %1 runs', runs.length);
  widget.title.icon = pipelineIcon;
  widget.title.closable = true;
  return widget;
}

function CompareView({ runs: chosen, trans }: ViewProps): ReactElement {
  const [isShort, setShort] = useState(true);
  const runs = inOrderOfTime(chosen);
  const compared = compareRuns(runs);
  const pick = (rows: readonly ComparedRow[]) => (isShort ? rows.filter(row => row.differs) : rows);
  return (
    <>
      <header className="jp-pipe-Compare-head">
        <strong>{trans.__('Compare runs')}</strong>
        <label>
          <input type="checkbox" checked={isShort} onChange={event => setShort(event.target.checked)} />{' '}
          {trans.__('Only what differs')}
        </label>
      </header>
      <table>
        <thead>
          <tr>
            <td />
            {runs.map((run, index) => (
              <th key={run.run_id} scope="col">
                <span className="jp-pipe-Line">
                  <StateIcon mark={run.state} />
                  {formatWhen(new Date(run.queued * 1000), trans)}
                  {index === 0 && <span className="jp-pipe-Tag">{trans.__('baseline')}</span>}
                </span>
                <span className="jp-pipe-second">
                  {wordOf(run.state === 'queued' ? 'queued' : run.state, trans)} · {formatSeconds(run.seconds)} ·{' '}
                  {run.trigger}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <Group title={trans.__('Parameters')} rows={pick(compared.parameters)} runs={runs} format={String} trans={trans} />
        <Group title={trans.__('Metrics')} rows={pick(compared.metrics)} runs={runs} format={formatMetric} trans={trans} hasBars />
        <Group title={trans.__('Gates')} rows={pick(compared.gates)} runs={runs} format={String} trans={trans} />
        <Group title={trans.__('States')} rows={pick(compared.states)} runs={runs} format={String} trans={trans} />
        <Group
          title={trans.__('Duration by stage')}
          rows={pick(compared.durations)}
          runs={runs}
          format={formatDuration}
          scale={scaleOf(compared.durations)}
          trans={trans}
          hasBars
        />
      </table>
    </>
  );
}

interface GroupProps {
  readonly title: string;
  readonly rows: readonly ComparedRow[];
  readonly runs: readonly Run[];
  readonly format: (value: number | boolean | string) => string;
  readonly hasBars?: boolean;
  /** The number of a full bar, where rows share one; else each row has its own. */
  readonly scale?: number;
  readonly trans: TranslationBundle;
}

function Group({ title, rows, runs, format, hasBars = false, scale, trans }: GroupProps): ReactElement {
  return (
    <tbody>
      <tr>
        <th scope="rowgroup" colSpan={runs.length + 1} className="jp-pipe-Compare-group">
          {title}
        </th>
      </tr>
      {rows.length === 0 && (
        <tr>
          <td colSpan={runs.length + 1} className="jp-pipe-second">
            {trans.__('No difference.')}
          </td>
        </tr>
      )}
      {rows.map(row => (
        <tr key={row.name}>
          <th scope="row" className="jp-pipe-code">
            {row.name}
          </th>
          {row.values.map((value, index) => (
            <td key={index}>
              <span className={index > 0 && value !== row.values[0] ? 'jp-pipe-Compare-differs' : undefined}>
                {value === null ? '–' : format(value)}
              </span>
              {index > 0 && <Change base={row.values[0]} value={value} />}
              {hasBars && typeof value === 'number' && <Bar value={value} full={scale ?? scaleOf([row])} isBase={index === 0} />}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}

function Change(props: { base: Value; value: Value }): ReactElement | null {
  const change = changeInPercent(props.base, props.value);
  return change === null ? null : (
    <span className="jp-pipe-second">
      {' '}
      {change > 0 ? '▲' : '▼'} {Math.abs(change).toPrecision(2)} %
    </span>
  );
}

/** A bar from zero. */
function Bar(props: { value: number; full: number; isBase: boolean }): ReactElement {
  const share = Math.abs(props.value) / props.full;
  return (
    <span className="jp-pipe-Compare-bar" data-base={props.isBase} aria-hidden>
      <span style={{ width: `${100 * share}%` }} />
    </span>
  );
}

function formatDuration(value: number | boolean | string): string {
  return typeof value === 'number' ? formatSeconds(value) : String(value);
}
