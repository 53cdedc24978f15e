/** Several notebooks as one graph with a frame for each, and what to do with them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';
import type { RunAddress } from '../api/client';
import type { Diagnostic, GraphAnswer, Run } from '../api/types';
import { FrameWidget } from '../controls/widget';
import { formatSeconds } from '../runs/state';
import type { JoinedModel } from '../runs/joined';

export interface JoinedActs {
  readonly open: (path: string) => void;
  readonly showReport: (run: RunAddress, name: string) => void;
  readonly trans: TranslationBundle;
}

export class JoinedView extends FrameWidget {
  constructor(
    private readonly model: JoinedModel,
    private readonly acts: JoinedActs
  ) {
    super();
    this.addClass('jp-pipe-Joined');
    model.changed.connect(this.drawSoon, this);
  }

  /** Who comes back from one of the notebooks may have changed it. */
  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this.model.draw();
  }

  protected override render(): ReactElement {
    const { model, acts } = this;
    const { graph, run, error } = model;
    const { trans } = acts;
    return (
      <>
        <Actions model={model} acts={acts} />
        {error && <p role="alert">{[error.message, error.hint].filter(Boolean).join(' ')}</p>}
        {run && (
          <p role="status" data-state={run.state}>
            {sentence(run, trans)}
          </p>
        )}
        {graph ? <Graph graph={graph} acts={acts} /> : !error && <p>{trans.__('Compiling…')}</p>}
      </>
    );
  }
}

function Actions({ model, acts }: { model: JoinedModel; acts: JoinedActs }): ReactElement {
  const { trans, showReport } = acts;
  const { address, graph, isRunning } = model;
  const hasErrors = graph === null || graph.diagnostics.some(each => each.severity === 'error');
  return (
    <div className="jp-pipe-Joined-actions">
      {isRunning ? (
        <button type="button" className="jp-mod-styled jp-mod-warn" onClick={() => void model.cancel()}>
          {trans.__('Cancel')}
        </button>
      ) : (
        <button
          type="button"
          className="jp-mod-styled jp-mod-accept"
          disabled={hasErrors}
          onClick={() => void model.start()}
        >
          {trans.__('Compile and run')}
        </button>
      )}
      {address && graph && (
        <button type="button" className="jp-mod-styled" onClick={() => showReport(address, graph.name)}>
          {trans.__('Report')}
        </button>
      )}
    </div>
  );
}

function Graph({ graph, acts }: { graph: GraphAnswer; acts: JoinedActs }): ReactElement {
  const { trans, open } = acts;
  return (
    <>
      <ul className="jp-pipe-Joined-notebooks" aria-label={trans.__('Notebooks')}>
        {graph.notebooks.map(each => (
          <li key={each.name}>
            <button type="button" className="jp-pipe-Joined-link" onClick={() => open(each.path)}>
              {each.path}
            </button>
          </li>
        ))}
      </ul>
      {graph.diagnostics.length > 0 && (
        <ul className="jp-pipe-Joined-problems" aria-label={trans.__('Problems')}>
          {graph.diagnostics.map((each, index) => (
            <li key={index} data-severity={each.severity}>
              <button type="button" className="jp-pipe-Joined-link" onClick={() => open(each.notebook ?? '')}>
                {place(each, trans)}
              </button>{' '}
              {each.message} {each.hint}
            </li>
          ))}
        </ul>
      )}
      {/* An image runs no script and fetches nothing, whatever a notebook is called. */}
      <img
        className="jp-pipe-Joined-graph"
        alt={trans.__('The stages of %1, with a frame for each notebook', graph.name)}
        src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(graph.picture)}`}
      />
    </>
  );
}

function place(found: Diagnostic, trans: TranslationBundle): string {
  const cell = found.cell ? trans.__('cell %1', found.cell) : '';
  const line = found.line ? trans.__('line %1', found.line) : '';
  return [found.notebook, cell, line].filter(Boolean).join(', ');
}

function sentence(run: Run, trans: TranslationBundle): string {
  const failed = run.stages.find(stage => stage.state === 'failed');
  if (failed?.failure) {
    const { ename, evalue } = failed.failure;
    return trans.__('%1 failed: %2', failed.name, [ename, evalue].filter(Boolean).join(': '));
  }
  const done = run.stages.filter(stage => stage.state === 'succeeded' || stage.state === 'cached').length;
  const words: Readonly<Record<string, string>> = {
    queued: trans.__('queued'),
    running: trans.__('running'),
    succeeded: trans.__('succeeded'),
    cancelled: trans.__('cancelled'),
    interrupted: trans.__('interrupted')
  };
  const word = words[run.state] ?? run.state;
  return trans.__('%1: %2 of %3 stages done, %4', word, done, run.stages.length, formatSeconds(run.seconds ?? 0));
}
