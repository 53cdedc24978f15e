/** Several notebooks as one graph with a frame for each, and what to do with them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';
import type { RunAddress } from '../api/client';
import type { Diagnostic, GraphAnswer, Parameter, Run, StageRun } from '../api/types';
import { FrameWidget } from '../controls/widget';
import { checkParameter } from '../panels/parameters/check';
import { ParameterInput, shownDefault } from '../panels/parameters/body';
import { formatSeconds } from '../runs/state';
import type { JoinedModel } from '../runs/joined';

/** States of a run that another one can continue. */
const RESUMED: ReadonlySet<string> = new Set(['failed', 'cancelled', 'interrupted']);

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
        {run && graph && <Failures run={run} graph={graph} acts={acts} />}
        {graph && <Parameters model={model} graph={graph} trans={trans} />}
        {graph ? <Graph graph={graph} acts={acts} /> : !error && <p>{trans.__('Compiling…')}</p>}
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

interface ParametersProps {
  readonly model: JoinedModel;
  readonly graph: GraphAnswer;
  readonly trans: TranslationBundle;
}

function Parameters({ model, graph, trans }: ParametersProps): ReactElement | null {
  if (graph.parameters.length === 0) {
    return null;
  }
  return (
    <fieldset className="jp-pipe-Joined-parameters">
      <legend>{trans.__('Parameters of the next run')}</legend>
      {graph.parameters.map(each => (
        <Field key={each.name} parameter={each} model={model} trans={trans} />
      ))}
    </fieldset>
  );
}

function Field(props: Omit<ParametersProps, 'graph'> & { readonly parameter: Parameter }): ReactElement {
  const { parameter, model, trans } = props;
  const { name, description } = parameter;
  const id = `jp-pipe-joined-${name}`;
  const typed = model.typed.get(name);
  const problem = typed === undefined ? '' : checkParameter(parameter, typed, trans);
  const set = (text: string) => model.setParameter(name, text === shownDefault(parameter) ? null : text);
  return (
    <>
      <label className="jp-pipe-code" htmlFor={id} title={description}>
        {name}
      </label>
      <ParameterInput
        id={id}
        parameter={parameter}
        text={typed ?? shownDefault(parameter)}
        isInvalid={problem !== ''}
        set={set}
      />
      {problem && (
        <span className="jp-pipe-Joined-note" role="alert">
          {problem}
        </span>
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
