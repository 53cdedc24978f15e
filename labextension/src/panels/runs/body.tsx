/** The runs of the notebook, newest first: state, when, what differs, how long; compare, resume, delete. */

import { closeIcon, ellipsesIcon, searchIcon } from '@jupyterlab/ui-components';
import { useMemo, useRef, useState, type ReactElement } from 'react';
import type { RunSummary } from '../../api/types';
import { CommandIds } from '../../commands';
import { About } from '../../controls/about';
import { Clock } from '../../controls/clock';
import { StateIcon } from '../../controls/marks';
import { useWindow } from '../../controls/window';
import { formatSeconds, isActive, wordOf } from '../../runs/state';
import type { BodyProps } from '../section';
import { Empty, Failed, Loading, Reconnecting, ServerMissing } from '../states';
import { openRunMenu } from './menu';
import { searchRuns } from './search';
import { noteOf, titleOf } from './words';

/** A history shorter than this is seen at once. */
const SEARCH_FROM = 8;
const ROW_HEIGHT = 24;

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
      <Empty
        text={trans.__('No runs yet.')}
        about={<About client={pipeline.client} page="how-it-works#what-a-run-leaves-behind" subject={trans.__('runs')} trans={trans} />}
      >
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
  const [text, setText] = useState('');
  const found = useMemo(() => searchRuns(runs, text, trans), [runs, text, trans]);
  const list = useRef<HTMLUListElement>(null);
  const view = useWindow(list, found.length, ROW_HEIGHT);
  const toggle = (runId: string) => {
    const next = new Set(marked);
    next[marked.has(runId) ? 'delete' : 'add'](runId);
    setMarked(next);
  };
  // One earlier run is compared with the latest: that is what people want to know of it.
  const [latest] = runs;
  const compared = marked.size === 1 && !marked.has(latest.run_id) ? [...marked, latest.run_id] : [...marked];
  return (
    <>
      {compared.length > 1 && (
        <div className="jp-pipe-Actions jp-pipe-Runs-actions">
          <button
            type="button"
            className="jp-pipe-Button"
            onClick={() => void commands.execute(CommandIds.compareRuns, { runIds: compared })}
          >
            {marked.size === 1 ? trans.__('Compare with the latest') : trans.__('Compare %1 runs', marked.size)}
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
      {runs.length >= SEARCH_FROM && (
        <div className="jp-pipe-Filter">
          <searchIcon.react tag="span" width="14px" />
          <input
            className="jp-pipe-Input"
            type="search"
            placeholder={trans.__('Search runs')}
            aria-label={trans.__('Search runs by name, time, state or value')}
            value={text}
            onChange={event => setText(event.target.value)}
          />
          {text && <span className="jp-pipe-second">{trans.__('%1 of %2', found.length, runs.length)}</span>}
        </div>
      )}
      <ul ref={list} className="jp-pipe-Runs" aria-label={trans.__('Runs')}>
        {view.before > 0 && <li style={{ height: view.before }} aria-hidden />}
        {found.slice(view.start, view.end).map(run => (
          <RunRow key={run.run_id} run={run} isMarked={marked.has(run.run_id)} onMark={() => toggle(run.run_id)} {...props} />
        ))}
        {view.after > 0 && <li style={{ height: view.after }} aria-hidden />}
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
  const when = titleOf(run, trans);
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
      {run.pinned && (
        <span className="jp-pipe-Pin" role="img" aria-label={trans.__('Pinned')} title={trans.__('Pinned: not removed by gc')}>
          ★
        </span>
      )}
      <button
        type="button"
        className="jp-pipe-Run-when"
        title={[trans.__('%1, %2, started by %3', wordOf(run.state, trans), run.run_id, run.trigger), run.note]
          .filter(Boolean)
          .join('\n')}
        onClick={() => void pipeline.history.choose(run.run_id)}
      >
        {when}
      </button>
      <span className="jp-pipe-Run-note jp-pipe-second" title={noteOf(run, trans)}>
        {noteOf(run, trans)}
      </span>
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
