/** The runs of the notebook, newest first: state, when, what differs, how long; compare, resume, delete. */

import { closeIcon, ellipsesIcon } from '@jupyterlab/ui-components';
import { useState, type ReactElement } from 'react';
import type { RunSummary } from '../../api/types';
import { CommandIds } from '../../commands';
import { Clock } from '../../controls/clock';
import { StateIcon } from '../../controls/marks';
import { formatSeconds, isActive, wordOf } from '../../runs/state';
import { formatWhen } from '../../runs/when';
import type { BodyProps } from '../section';
import { Empty, Failed, Loading, Reconnecting, ServerMissing } from '../states';
import { openRunMenu } from './menu';

export function RunsBody(props: BodyProps): ReactElement {
  const { pipeline, commands, trans } = props;
  const { history } = pipeline;
  const retry = () => void pipeline.refresh();
  if (pipeline.isServerMissing) {
    return <ServerMissing retry={retry} trans={trans} />;
  }
  if (!history.runs) {
    return history.error ? (
      <Failed text={trans.__('Could not load the runs.')} error={history.error} retry={retry} trans={trans} />
    ) : (
      <Loading text={trans.__('Loading…')} />
    );
  }
  if (history.runs.length === 0) {
    return (
      <Empty text={trans.__('No runs yet.')}>
        <button
          type="button"
          className="jp-pipe-Link"
          onClick={() => void commands.execute(CommandIds.compileAndRun)}
        >
          {trans.__('Compile and run')}
        </button>
      </Empty>
    );
  }
  return (
    <>
      {pipeline.isUnreachable && <Reconnecting since={history.answeredAt} trans={trans} />}
      <RunList {...props} runs={history.runs} />
    </>
  );
}

function RunList({ runs, ...props }: BodyProps & { runs: readonly RunSummary[] }): ReactElement {
  const { commands, trans } = props;
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const toggle = (runId: string) => {
    const next = new Set(marked);
    next[marked.has(runId) ? 'delete' : 'add'](runId);
    setMarked(next);
  };
  return (
    <>
      {marked.size > 1 && (
        <div className="jp-pipe-Actions jp-pipe-Runs-actions">
          <button
            type="button"
            className="jp-pipe-Button"
            onClick={() => void commands.execute(CommandIds.compareRuns, { runIds: [...marked] })}
          >
            {trans.__('Compare %1 runs', marked.size)}
          </button>
          <button
            type="button"
            className="jp-pipe-IconButton"
            aria-label={trans.__('Unmark all')}
            onClick={() => setMarked(new Set())}
          >
            <closeIcon.react tag="span" />
          </button>
        </div>
      )}
      <ul className="jp-pipe-Runs" aria-label={trans.__('Runs')}>
        {runs.map(run => (
          <RunRow key={run.run_id} run={run} isMarked={marked.has(run.run_id)} onMark={() => toggle(run.run_id)} {...props} />
        ))}
      </ul>
    </>
  );
}

interface RunRowProps extends BodyProps {
  readonly run: RunSummary;
  readonly isMarked: boolean;
  readonly onMark: () => void;
}

function RunRow({ run, isMarked, onMark, pipeline, commands, trans }: RunRowProps): ReactElement {
  const when = isActive(run) ? trans.__('Now') : formatWhen(new Date(run.queued * 1000), trans);
  return (
    <li
      className="jp-pipe-Run"
      data-shown={pipeline.run?.run_id === run.run_id}
      onContextMenu={event => {
        event.preventDefault();
        event.stopPropagation();
        openRunMenu(commands, run, event.currentTarget, event);
      }}
    >
      <input
        type="checkbox"
        checked={isMarked}
        onChange={onMark}
        aria-label={trans.__('Mark the run of %1 for comparison', when)}
      />
      <StateIcon mark={run.state} trans={trans} />
      <button
        type="button"
        className="jp-pipe-Run-when"
        title={trans.__('%1, %2, started by %3', wordOf(run.state, trans), run.run_id, run.trigger)}
        onClick={() => void pipeline.history.choose(run.run_id)}
      >
        {when}
      </button>
      <span className="jp-pipe-Run-note jp-pipe-second">{note(run, trans)}</span>
      <span className="jp-pipe-Row-time">
        {isActive(run) ? <Clock since={run.started ?? run.queued} /> : formatSeconds(run.seconds)}
      </span>
      <button
        type="button"
        className="jp-pipe-IconButton"
        title={trans.__('More')}
        aria-label={trans.__('Menu of the run of %1', when)}
        onClick={event => openRunMenu(commands, run, event.currentTarget)}
      >
        <ellipsesIcon.react tag="span" />
      </button>
    </li>
  );
}

/** What is most worth knowing: where it failed, what was set, what came out. */
function note(run: RunSummary, trans: BodyProps['trans']): string {
  if (run.failed_stage) {
    return run.failed_stage;
  }
  const set = Object.entries(run.parameters).map(([name, literal]) => `${name}=${literal}`);
  const metrics = Object.entries(run.metrics).map(([name, value]) => `${name} ${formatMetric(value)}`);
  const known = [...set, ...metrics].join(', ');
  return known || (run.trigger === 'jupyterlab' ? trans.__('from this notebook') : trans.__('from %1', run.trigger));
}

export function formatMetric(value: number | boolean | string): string {
  if (typeof value !== 'number') {
    return String(value);
  }
  return Number.isInteger(value) || Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : String(Number(value.toPrecision(4)));
}
