/** Several notebooks as one graph with a frame for each, and what to do with them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { useState, type ReactElement } from 'react';
import type { RunAddress } from '../api/client';
import type { Diagnostic, GraphAnswer, Run, StageRun } from '../api/types';
import { StateIcon } from '../controls/marks';
import { reported } from '../controls/telling';
import { FrameWidget } from '../controls/widget';
import { askEngine } from '../panels/engines/dialog';
import { ParameterFields } from '../panels/parameters/body';
import { noteOf, titleOf } from '../panels/runs/words';
import { formatSeconds } from '../runs/state';
import type { JoinedModel } from '../runs/joined';
import { Engine } from '../sidebar/strip';

/** States of a run that another one can continue. */
const RESUMED: ReadonlySet<string> = new Set(['failed', 'cancelled', 'interrupted']);

/** How many runs are listed until somebody asks for all. */
const FIRST_RUNS = 12;

export interface JoinedActs {
  /** Opens a notebook; with a cell's id, at that cell and line. */
  readonly open: (path: string, cellId?: string | null, line?: number | null) => void;
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

  /** Run the notebooks, as the button does. */
  async start(): Promise<void> {
    await this.model.start();
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
        {run?.engine && <Engine run={run} trans={trans} />}
        {run && graph && <Failures run={run} graph={graph} acts={acts} />}
        <Parameters model={model} trans={trans} />
        {graph ? <Graph graph={graph} acts={acts} /> : !error && <p>{trans.__('Compiling…')}</p>}
        <Runs model={model} trans={trans} />
      </>
    );
  }
}

function Actions({ model, acts }: { model: JoinedModel; acts: JoinedActs }): ReactElement {
  const { trans, showReport } = acts;
  const { address, graph, isRunning, run } = model;
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
      {!isRunning && (
        <button
          type="button"
          className="jp-mod-styled"
          disabled={hasErrors}
          onClick={() => void reported(() => runOn(model, trans))}
        >
          {trans.__('Run on…')}
        </button>
      )}
      {run && !isRunning && RESUMED.has(run.state) && (
        <button type="button" className="jp-mod-styled" disabled={hasErrors} onClick={() => void model.resume()}>
          {trans.__('Resume')}
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

/** Ask for an engine, and have it run the notebooks. */
async function runOn(model: JoinedModel, trans: TranslationBundle): Promise<void> {
  const { engines } = await model.engines();
  const engine = await askEngine(model, engines, trans);
  if (engine !== null) {
    await model.submit(engine);
  }
}

/** A way to the cell of each stage that failed, in whichever notebook it is. */
function Failures({ run, graph, acts }: { run: Run; graph: GraphAnswer; acts: JoinedActs }): ReactElement | null {
  const failed = run.stages.filter(stage => stage.state === 'failed' && stage.failure);
  if (failed.length === 0) {
    return null;
  }
  return (
    <ul className="jp-pipe-Joined-problems" aria-label={acts.trans.__('Failed stages')}>
      {failed.map(stage => (
        <li key={stage.name}>
          <button
            type="button"
            className="jp-pipe-Joined-link"
            onClick={() => acts.open(notebookOf(stage, graph), stage.failure?.cell_id, stage.failure?.line)}
          >
            {acts.trans.__('Go to the cell of %1', stage.name)}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The path of the notebook that a stage is of: `train.fit` is of `train`. */
function notebookOf(stage: StageRun, graph: GraphAnswer): string {
  const [name] = stage.name.split('.', 1);
  return graph.notebooks.find(each => each.name === name)?.path ?? '';
}

function Parameters({ model, trans }: { model: JoinedModel; trans: TranslationBundle }): ReactElement | null {
  if (!model.graph || model.graph.parameters.length === 0) {
    return null;
  }
  return (
    <fieldset className="jp-pipe-Joined-parameters">
      <legend>{trans.__('Parameters of the next run')}</legend>
      <div className="jp-pipe-Parameters">
        <ParameterFields pipeline={model} trans={trans} prefix="jp-pipe-joined" />
      </div>
    </fieldset>
  );
}

/** Earlier runs, of which one is shown above. */
function Runs({ model, trans }: { model: JoinedModel; trans: TranslationBundle }): ReactElement | null {
  const [isWhole, setWhole] = useState(false);
  const runs = model.history.runs ?? [];
  if (runs.length === 0) {
    return null;
  }
  return (
    <>
      <ul className="jp-pipe-Joined-runs" aria-label={trans.__('Runs')}>
        {(isWhole ? runs : runs.slice(0, FIRST_RUNS)).map(run => (
          <li key={run.run_id}>
            <StateIcon mark={run.state} trans={trans} />
            <button
              type="button"
              className="jp-pipe-Joined-link"
              aria-pressed={run.run_id === model.run?.run_id}
              // The newest is followed by the next.
              onClick={() => void model.history.choose(run === runs[0] ? null : run.run_id)}
            >
              {titleOf(run, trans)}
            </button>
            <span className="jp-pipe-second">{noteOf(run, trans)}</span>
            <span className="jp-pipe-second">{formatSeconds(run.seconds)}</span>
          </li>
        ))}
      </ul>
      {!isWhole && runs.length > FIRST_RUNS && (
        <button type="button" className="jp-pipe-Joined-link" onClick={() => setWhole(true)}>
          {trans.__('Show all %1 runs', runs.length)}
        </button>
      )}
    </>
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
              <button type="button" className="jp-pipe-Joined-link" onClick={() => open(each.notebook ?? '', each.cell_id, each.line)}>
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
