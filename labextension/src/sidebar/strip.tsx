/** The top of the panel: what the run is doing, in words and as a strip of segments. */

import { codeIcon, ellipsesIcon, fastForwardIcon, refreshIcon, runIcon, stopIcon, type LabIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { ReactElement } from 'react';
import type { Run, StageRun } from '../api/types';
import { CommandIds } from '../commands';
import { Clock } from '../controls/clock';
import { Cut } from '../controls/cut';
import { StateIcon } from '../controls/marks';
import { openMenu } from '../controls/menu';
import { suggestIcon } from '../icons';
import type { BodyProps } from '../panels/section';
import type { NotebookPipeline } from '../runs/pipeline';
import { formatWhen } from '../runs/when';
import { countStages, failedStage, formatClock, formatSeconds, isActive, markOf } from '../runs/state';

const RESUMABLE: ReadonlySet<string> = new Set(['failed', 'cancelled', 'interrupted']);

export function Header(props: BodyProps): ReactElement {
  return (
    <>
      <Toolbar {...props} />
      <Truth {...props} />
    </>
  );
}

/** What matters most now: that nothing can run, that results are out of date, else how the run goes or went. */
function Truth(props: BodyProps): ReactElement | null {
  const { pipeline, trans } = props;
  const { run } = pipeline;
  if (!run) {
    return pipeline.checker.hasErrors ? (
      <div className="jp-pipe-Strip">
        <Problems {...props} />
      </div>
    ) : null;
  }
  return (
    <div className="jp-pipe-Strip" data-old={pipeline.isOld}>
      {pipeline.isOld && <OldRun {...props} run={run} />}
      {pipeline.checker.hasErrors && !isActive(run) && <Problems {...props} />}
      <div className="jp-pipe-Strip-line">
        <StateIcon mark={run.state} />
        <strong>
          <Cut text={headline(run, trans)} />
        </strong>
        <span className="jp-pipe-Strip-progress jp-pipe-second" title={progress(run, trans)}>
          {progress(run, trans)}
        </span>
        <span className="jp-pipe-Row-time">
          {isActive(run) ? (
            <Clock since={run.started ?? run.queued} suffix={expectation(pipeline.expectedSeconds, trans)} />
          ) : (
            formatSeconds(run.seconds)
          )}
        </span>
      </div>
      <div className="jp-pipe-Segments" aria-hidden>
        {run.stages.map(stage => (
          <span key={stage.name} className="jp-pipe-Segment" data-state={markOf(stage)}>
            <span style={{ width: `${filled(stage)}%` }} />
          </span>
        ))}
      </div>
      {run.engine && <Engine run={run} trans={trans} />}
      {!isActive(run) && <Next {...props} run={run} />}
    </div>
  );
}

/** The engine that runs the stages, with the run's page there, and since when it has not answered. */
export function Engine({ run, trans }: { run: Run; trans: TranslationBundle }): ReactElement {
  const label = trans.__('In %1', run.engine);
  // A record may come from anywhere: an address that runs code is none.
  const isPage = /^https?:\/\//.test(run.page);
  return (
    <div className="jp-pipe-Strip-line jp-pipe-second" role="status">
      {isPage ? (
        <a className="jp-pipe-Link" href={run.page} target="_blank" rel="noopener noreferrer">
          {label}
        </a>
      ) : (
        <span>{label}</span>
      )}
      {run.silent_since !== null && (
        <span>{trans.__('out of sight since %1', formatWhen(new Date(run.silent_since * 1000), trans))}</span>
      )}
    </div>
  );
}

function Problems({ pipeline, commands, trans }: BodyProps): ReactElement {
  const errors = pipeline.checker.diagnostics.filter(found => found.severity === 'error').length;
  return (
    <div className="jp-pipe-Strip-line jp-pipe-Strip-problems" role="status">
      <StateIcon mark="failed" />
      <strong>{trans.__('Cannot compile')}</strong>
      <button
        type="button"
        className="jp-pipe-Link"
        onClick={() => void commands.execute(CommandIds.showProblems)}
      >
        {trans._n('Show %1 problem', 'Show %1 problems', errors)}
      </button>
    </div>
  );
}

/** An older run never looks like now. */
function OldRun({ pipeline, run, trans }: BodyProps & { run: Run }): ReactElement {
  return (
    <div className="jp-pipe-Strip-line jp-pipe-second" role="status">
      <span>{trans.__('Run of %1', formatWhen(new Date(run.queued * 1000), trans))}</span>
      <button type="button" className="jp-pipe-Link" onClick={() => void pipeline.history.choose(null)}>
        {trans.__('Back to the newest')}
      </button>
    </div>
  );
}

/** What a run that has ended leads to: what is stale since, where it failed, its report. */
function Next({ pipeline, run, commands, trans }: BodyProps & { run: Run }): ReactElement {
  const stale = pipeline.isOld ? 0 : run.stages.filter(stage => pipeline.isStale(stage.name)).length;
  const failed = failedStage(run);
  const link = (label: string, id: string, args: ReadonlyJSONObject) => (
    <button type="button" className="jp-pipe-Link" onClick={() => void commands.execute(id, args)}>
      {label}
    </button>
  );
  return (
    <div className="jp-pipe-Strip-line jp-pipe-Strip-next jp-pipe-second">
      {stale > 0 && (
        <span className="jp-pipe-Line">
          <StateIcon mark="stale" size={12} /> {trans._n('%1 stage is stale', '%1 stages are stale', stale)}
        </span>
      )}
      {failed && link(trans.__('Go to cell'), CommandIds.goToStage, { stage: failed.name })}
      {failed && !pipeline.isOld && link(trans.__('Run failed only'), CommandIds.runFailed, {})}
      {run.state === 'waiting' &&
        commands.hasCommand(CommandIds.openOperations) &&
        link(trans.__('Review'), CommandIds.openOperations, { page: 'waiting' })}
      {commands.hasCommand(CommandIds.openReport) &&
        link(trans.__('Open report'), CommandIds.openReport, { runId: run.run_id })}
    </div>
  );
}

function Toolbar({ pipeline, commands, trans }: BodyProps): ReactElement {
  const { run } = pipeline;
  const execute = (id: string) => () => void commands.execute(id);
  return (
    <div className="jp-pipe-Toolbar" role="toolbar" aria-label={trans.__('Pipeline')}>
      <MainAction {...{ pipeline, commands, trans }} />
      {run && !pipeline.isRunning && RESUMABLE.has(run.state) && (
        <button
          type="button"
          className="jp-pipe-Button"
          title={trans.__('Resume')}
          aria-label={trans.__('Resume')}
          onClick={execute(CommandIds.resume)}
        >
          <fastForwardIcon.react tag="span" /> <span className="jp-pipe-Button-label">{trans.__('Resume')}</span>
        </button>
      )}
      <span className="jp-pipe-Spacer" />
      {commands.hasCommand(CommandIds.suggestStages) && !pipeline.needsStages && (
        <ToolbarIcon
          isOptional
          icon={suggestIcon}
          label={trans.__('Suggest stages')}
          onClick={execute(CommandIds.suggestStages)}
        />
      )}
      <ToolbarIcon isOptional icon={codeIcon} label={trans.__('Compiled modules')} onClick={execute(CommandIds.openModules)} />
      <ToolbarIcon isOptional icon={refreshIcon} label={trans.__('Refresh')} onClick={execute(CommandIds.refresh)} />
      <ToolbarIcon icon={ellipsesIcon} label={trans.__('More')} onClick={node => openMenu(commands, [MENU], node)} />
    </div>
  );
}

/** One button, which keeps the focus: to run, then to cancel, then to run again. */
function MainAction({ pipeline, commands, trans }: BodyProps): ReactElement {
  const act = pipeline.isRunning ? cancelling(pipeline, trans) : starting(pipeline, commands, trans);
  return (
    <button
      type="button"
      className={`jp-pipe-Button${act.isPrimary ? ' jp-mod-primary' : ''}`}
      disabled={act.isImpossible}
      // Only for a moment, in which `disabled` would take the focus away.
      aria-disabled={act.isWaiting || undefined}
      title={act.title}
      onClick={() => void (act.isWaiting || commands.execute(act.command))}
    >
      <act.Icon.react tag="span" /> <span className="jp-pipe-Button-label">{act.label}</span>
    </button>
  );
}

interface Act {
  readonly Icon: LabIcon;
  readonly label: string;
  readonly title?: string;
  readonly command: string;
  readonly isPrimary: boolean;
  readonly isImpossible: boolean;
  readonly isWaiting: boolean;
}

function cancelling({ run, isCancelling }: NotebookPipeline, trans: TranslationBundle): Act {
  return {
    Icon: stopIcon,
    label: isCancelling ? trans.__('Cancelling…') : trans.__('Cancel run'),
    command: CommandIds.cancel,
    isPrimary: false,
    isImpossible: false,
    isWaiting: isCancelling || !isActive(run)
  };
}

/** What a notebook without stages needs first is stages; without code there is nothing to run. */
function starting(pipeline: NotebookPipeline, commands: CommandRegistry, trans: TranslationBundle): Act {
  const needsStages = pipeline.needsStages && commands.hasCommand(CommandIds.suggestStages);
  const label = needsStages ? trans.__('Suggest stages') : trans.__('Compile and run');
  const usually = [label, usual(pipeline, trans)].filter(Boolean).join(', ');
  return {
    Icon: needsStages ? suggestIcon : runIcon,
    label,
    title: pipeline.hasCode ? usually : trans.__('The notebook has no code yet.'),
    command: needsStages ? CommandIds.suggestStages : CommandIds.compileAndRun,
    isPrimary: true,
    isImpossible: pipeline.isServerMissing || !pipeline.hasCode || (needsStages && pipeline.stages.isReadOnly),
    isWaiting: false
  };
}

/** What a run of all stages that are stale takes, as far as they have been measured: "about 12 s". */
function usual(pipeline: BodyProps['pipeline'], trans: TranslationBundle): string {
  const again = pipeline.plan?.stages.filter(stage => stage.action === 'run') ?? [];
  const seconds = again.reduce((sum, stage) => sum + (pipeline.lastSeconds(stage.name) ?? 0), 0);
  return seconds > 0 ? trans.__('about %1', formatSeconds(seconds)) : '';
}

function ToolbarIcon(props: {
  icon: typeof codeIcon;
  label: string;
  onClick: (node: HTMLElement) => void;
  /** Gives way where there is no room: it is in the menu, too. */
  isOptional?: boolean;
}): ReactElement {
  const { icon: Icon, label, onClick, isOptional = false } = props;
  return (
    <button
      type="button"
      className={`jp-pipe-IconButton${isOptional ? ' jp-mod-optional' : ''}`}
      title={label}
      aria-label={label}
      onClick={event => onClick(event.currentTarget)}
    >
      <Icon.react tag="span" />
    </button>
  );
}

const MENU = [
  CommandIds.compileAndRun,
  CommandIds.plan,
  CommandIds.runWithoutCache,
  CommandIds.runOn,
  CommandIds.runTogether,
  CommandIds.followOutput,
  CommandIds.openOperations,
  CommandIds.openReport,
  CommandIds.openLog,
  CommandIds.openModules,
  CommandIds.suggestStages,
  CommandIds.copyCommand,
  CommandIds.refresh,
  CommandIds.undo,
  CommandIds.help
];

/** "Running", "Failed in boosting", "Succeeded". */
export function headline(run: Run, trans: TranslationBundle): string {
  const failed = failedStage(run);
  switch (run.state) {
    case 'failed':
      if (!failed) {
        return trans.__('Failed');
      }
      switch (failed.failure?.kind) {
        case 'gate':
          return trans.__('Gate of %1 is false', failed.name);
        case 'contract':
          return trans.__('Contract of %1 is broken', failed.name);
        default:
          return trans.__('Failed in %1', failed.name);
      }
    case 'waiting':
      return failed ? trans.__('%1 is waiting for you', failed.name) : trans.__('Waiting for you');
    case 'queued':
      return trans.__('Queued');
    case 'running':
      return trans.__('Running');
    case 'succeeded':
      return trans.__('Succeeded');
    case 'cancelled':
      return trans.__('Cancelled');
    case 'interrupted':
      return trans.__('Interrupted');
  }
}

function progress(run: Run, trans: TranslationBundle): string {
  const { done, total, failed } = countStages(run);
  if (!isActive(run)) {
    return '';
  }
  const stages = trans._n('%2 of %1 stage', '%2 of %1 stages', total, done);
  return failed > 0 ? `${stages} · ${trans.__('%1 failed', failed)}` : stages;
}

function expectation(seconds: number | null, trans: TranslationBundle): string {
  return seconds === null ? '' : trans.__(' of about %1', formatClock(Math.round(seconds)));
}

function filled(stage: StageRun): number {
  if (stage.state === 'running') {
    return stage.cells_total > 0 ? Math.max(12, (100 * stage.cells_done) / stage.cells_total) : 12;
  }
  return stage.state === 'queued' ? 0 : 100;
}
