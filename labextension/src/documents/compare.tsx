/** Runs side by side, as a tab of the main area. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, ReactWidget } from '@jupyterlab/ui-components';
import { useState, type ReactElement } from 'react';
import type { Run, RunSummary } from '../api/types';
import { StateIcon } from '../controls/marks';
import { pipelineIcon } from '../icons';
import { formatMetric, noteOf, titleOf } from '../panels/runs/words';
import { formatSeconds, wordOf } from '../runs/state';
import { formatWhen } from '../runs/when';
import { NotebookChanges, type ReadExecuted } from './changes';
import { changeInPercent, compareRuns, formatPercent, inOrderOfTime, scaleOf, trendsOf, type ComparedRow, type Value } from './comparison';
import { comparisonCsv } from './csv';
import { Trend } from './trend';

/** Of a longer history the search in the panel finds the run. */
const MOST_TO_ADD = 100;

/** Where the comparison finds what it does not have yet. */
export interface CompareSource {
  /** All runs of the notebook, newest first: what can be added, and how metrics went. */
  readonly history: readonly RunSummary[];
  readonly readRun: (runId: string) => Promise<Run>;
  readonly readExecuted: ReadExecuted;
}

interface ViewProps {
  readonly runs: readonly Run[];
  readonly source: CompareSource;
  readonly trans: TranslationBundle;
}

export function makeComparison(runs: readonly Run[], source: CompareSource, trans: TranslationBundle): MainAreaWidget {
  const content = ReactWidget.create(<CompareView {...{ runs, source, trans }} />);
  content.addClass('jp-pipe-Compare');
  const widget = new MainAreaWidget({ content });
  widget.id = `jupyter-pipe-compare-${runs.map(run => run.run_id).join('-')}`;
  widget.title.label = trans.__('Compare %1 runs', runs.length);
  widget.title.icon = pipelineIcon;
  widget.title.closable = true;
  return widget;
}

function CompareView({ runs: given, source, trans }: ViewProps): ReactElement {
  const [isShort, setShort] = useState(true);
  const [chosen, setChosen] = useState(given);
  const runs = inOrderOfTime(chosen);
  const remove = (runId: string) => setChosen(chosen.filter(run => run.run_id !== runId));
  const add = async (runId: string) => {
    const run = await source.readRun(runId);
    setChosen(before => [...before.filter(each => each.run_id !== runId), run]);
  };
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
        <AddRun {...{ runs, source, add, trans }} />
        <button type="button" className="jp-pipe-Button" onClick={() => saveText(comparisonCsv(runs), 'compared_runs.csv')}>
          {trans.__('Export as CSV')}
        </button>
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
                  {runs.length > 2 && (
                    <button
                      type="button"
                      className="jp-pipe-IconButton"
                      aria-label={trans.__('Remove this run from the comparison')}
                      title={trans.__('Remove from the comparison')}
                      onClick={() => remove(run.run_id)}
                    >
                      <closeIcon.react tag="span" />
                    </button>
                  )}
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
      <Trends {...{ runs, source, trans }} />
      <NotebookChanges runs={runs} read={source.readExecuted} trans={trans} />
    </>
  );
}

function AddRun(props: {
  runs: readonly Run[];
  source: CompareSource;
  add: (runId: string) => Promise<void>;
  trans: TranslationBundle;
}): ReactElement | null {
  const { runs, source, add, trans } = props;
  const others = source.history.filter(each => !runs.some(run => run.run_id === each.run_id)).slice(0, MOST_TO_ADD);
  return others.length === 0 ? null : (
    <select
      className="jp-pipe-Input"
      value=""
      aria-label={trans.__('Add a run to the comparison')}
      onChange={event => void add(event.target.value)}
    >
      <option value="">{trans.__('Add a run…')}</option>
      {others.map(run => (
        <option key={run.run_id} value={run.run_id}>
          {[titleOf(run, trans), noteOf(run, trans)].join(' · ')}
        </option>
      ))}
    </select>
  );
}

/** How each number went over all runs of the notebook; those that are compared stand out. */
function Trends({ runs, source, trans }: ViewProps): ReactElement | null {
  const marked = new Set(runs.map(run => run.run_id));
  const series = trendsOf(source.history, run => titleOf(run, trans));
  return series.length === 0 ? null : (
    <section className="jp-pipe-Trends" aria-label={trans.__('Metrics over runs')}>
      <h3>{trans.__('Metrics over runs')}</h3>
      <div>
        {series.map(([name, points]) => (
          <Trend key={name} {...{ name, points, marked, trans }} />
        ))}
      </div>
    </section>
  );
}

/** Hands a text to the browser as a file. */
function saveText(text: string, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
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
      {change > 0 ? '▲' : '▼'} {formatPercent(change)} %
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
