/** The error of a failed stage, below the failing cell: never in its outputs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { bugIcon, closeIcon, fastForwardIcon, notebookIcon, ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { useEffect, useState, type ReactElement } from 'react';
import type { Failure, Frame, Run, StageRun } from '../api/types';
import { CommandIds } from '../commands';
import { StateIcon } from '../controls/marks';
import { formatSeconds, isDemand, markOf } from '../runs/state';

export interface FailureProps {
  readonly run: Run;
  readonly stage: StageRun;
  /** Stages that failed at the same line in the same way. */
  readonly others: readonly string[];
  readonly failure: Failure;
  /** The types and shapes of what the stage received, by name. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The traceback of the kernel; empty if it left none. */
  readonly readTraceback: () => Promise<string>;
  readonly commands: CommandRegistry;
  readonly close: () => void;
  readonly trans: TranslationBundle;
}

/** The error below a cell. Gone when disposed. */
export class FailureWidget extends ReactWidget {
  constructor(private readonly props: FailureProps) {
    super();
    this.addClass('jp-pipe-Failure');
    this.node.setAttribute('role', 'alert');
  }

  protected override render(): ReactElement {
    return <FailureView {...this.props} />;
  }
}

function FailureView(props: FailureProps): ReactElement {
  const { run, stage, failure, inputs, commands, close, trans } = props;
  const [isWhole, setWhole] = useState(false);
  const args = { stage: stage.name, runId: run.run_id };
  const execute = (id: string) => () => void commands.execute(id, args);
  return (
    <>
      <div className="jp-pipe-Failure-head">
        <StateIcon mark={markOf(stage)} />
        <strong>{title(props)}</strong>
        <span className="jp-pipe-second">
          {trans.__('attempt %1 · after %2', stage.attempts, formatSeconds(stage.seconds))}
        </span>
        <button type="button" className="jp-pipe-IconButton" aria-label={trans.__('Close')} onClick={close}>
          <closeIcon.react tag="span" />
        </button>
      </div>
      <p>
        {failure.ename && !isDemand(failure) && <strong>{failure.ename}: </strong>}
        <span className="jp-pipe-Failure-message">{failure.evalue}</span>
      </p>
      {failure.hint && <p>{failure.hint}</p>}
      {failure.frames.map((frame, index) => (
        <FrameView key={index} frame={frame} stage={stage.name} trans={trans} />
      ))}
      {Object.keys(inputs).length > 0 && (
        <p className="jp-pipe-second">
          {trans.__('Inputs:')}{' '}
          {Object.entries(inputs).map(([name, summary]) => (
            <span key={name} className="jp-pipe-Failure-input">
              <span className="jp-pipe-code">{name}</span> {summary}
            </span>
          ))}
        </p>
      )}
      {isWhole && <Traceback {...props} />}
      <div className="jp-pipe-Actions">
        {commands.hasCommand(CommandIds.debugStage) && (
          <button type="button" className="jp-pipe-Button jp-mod-primary" onClick={execute(CommandIds.debugStage)}>
            <bugIcon.react tag="span" /> {trans.__('Debug here')}
          </button>
        )}
        <button type="button" className="jp-pipe-Button" onClick={execute(CommandIds.resume)}>
          <fastForwardIcon.react tag="span" /> {trans.__('Resume')}
        </button>
        <button type="button" className="jp-pipe-Button" onClick={execute(CommandIds.openExecuted)}>
          <notebookIcon.react tag="span" /> {trans.__('Open executed notebook')}
        </button>
        {failure.traceback && !isDemand(failure) && (
          <button type="button" className="jp-pipe-Link" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
            {trans.__('Full traceback')}
          </button>
        )}
      </div>
    </>
  );
}

/** The kernel's own, with the frames of libraries: those of the user stand above already. */
function Traceback({ readTraceback, trans }: FailureProps): ReactElement {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    let isCurrent = true;
    void readTraceback()
      .catch((error: Error) => error.message)
      .then(found => isCurrent && setText(found));
    return () => {
      isCurrent = false;
    };
  }, [readTraceback]);
  return text === '' ? (
    <p className="jp-pipe-second">{trans.__('The kernel left no traceback.')}</p>
  ) : (
    <pre className="jp-pipe-code jp-pipe-Failure-traceback" tabIndex={0} aria-label={trans.__('Full traceback')}>
      {text ?? trans.__('Loading…')}
    </pre>
  );
}

function title({ stage, others, failure, trans }: FailureProps): string {
  if (others.length > 0) {
    return trans.__('%1 failed, and at the same line %2', stage.name, others.join(', '));
  }
  switch (failure.kind) {
    case 'gate':
      return trans.__('%1: gate failed', stage.name);
    case 'contract':
      return trans.__('%1: contract broken', stage.name);
    case 'approval':
      return trans.__('%1: waiting for you', stage.name);
    default:
      return trans.__('%1 failed', stage.name);
  }
}

function FrameView(props: { frame: Frame; stage: string; trans: TranslationBundle }): ReactElement {
  const { frame, stage, trans } = props;
  const place = frame.path ?? (frame.position ? trans.__('%1, cell %2', stage, frame.position) : stage);
  return (
    <div className="jp-pipe-Frame">
      <span className="jp-pipe-second">{trans.__('%1, line %2', place, frame.line)}</span>
      <pre className="jp-pipe-code">
        <span aria-hidden>&gt; </span>
        {frame.source.trim()}
      </pre>
      {frame.omitted > 0 && <span className="jp-pipe-second">{trans.__('… %1 more', frame.omitted)}</span>}
    </div>
  );
}
