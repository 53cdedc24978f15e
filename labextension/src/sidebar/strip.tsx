/** The top of the panel: what the run is doing, in words and as a strip of segments. */

import { codeIcon, ellipsesIcon, fastForwardIcon, refreshIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { Run, StageRun } from '../api/types';
import { CommandIds } from '../commands';
import { Clock } from '../controls/clock';
import { StateIcon } from '../controls/marks';
import { openMenu } from '../controls/menu';
import { suggestIcon } from '../icons';
import type { BodyProps } from '../panels/section';
import { countStages, failedStage, formatClock, formatSeconds, isActive, markOf } from '../runs/state';

const RESUMABLE: ReadonlySet<string> = new Set(['failed', 'cancelled', 'interrupted']);

export function Header(props: BodyProps): ReactElement {
  const { pipeline, trans } = props;
  const { run } = pipeline;
  return (
    <>
      <Toolbar {...props} />
      {run && (
        <div className="jp-pipe-Strip">
          <div className="jp-pipe-Strip-line">
            <StateIcon mark={run.state} />
            <strong>{headline(run, trans)}</strong>
            <span className="jp-pipe-second">{progress(run, trans)}</span>
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
        </div>
      )}
    </>
  );
}

function Toolbar({ pipeline, commands, trans }: BodyProps): ReactElement {
  const { run } = pipeline;
  const execute = (id: string) => () => void commands.execute(id);
  return (
    <div className="jp-pipe-Toolbar" role="toolbar" aria-label={trans.__('Pipeline')}>
      {pipeline.isRunning ? (
        <button
          type="button"
          className="jp-pipe-Button"
          disabled={!isActive(run)}
          onClick={execute(CommandIds.cancel)}
        >
          <stopIcon.react tag="span" /> {trans.__('Cancel run')}
        </button>
      ) : (
        <button
          type="button"
          className="jp-pipe-Button jp-mod-primary"
          disabled={pipeline.isServerMissing}
          onClick={execute(CommandIds.compileAndRun)}
        >
          <runIcon.react tag="span" /> {trans.__('Compile and run')}
        </button>
      )}
      {run && !pipeline.isRunning && RESUMABLE.has(run.state) && (
        <button type="button" className="jp-pipe-Button" onClick={execute(CommandIds.resume)}>
          <fastForwardIcon.react tag="span" /> {trans.__('Resume')}
        </button>
      )}
      <span className="jp-pipe-Spacer" />
      {commands.hasCommand(CommandIds.suggestStages) && (
        <ToolbarIcon
          isOptional
          icon={suggestIcon}
          label={trans.__('Suggest stages')}
          onClick={execute(CommandIds.suggestStages)}
        />
      )}
      <ToolbarIcon isOptional icon={codeIcon} label={trans.__('Compiled modules')} onClick={execute(CommandIds.openModules)} />
      <ToolbarIcon isOptional icon={refreshIcon} label={trans.__('Refresh')} onClick={() => void pipeline.refresh()} />
      <ToolbarIcon icon={ellipsesIcon} label={trans.__('More')} onClick={node => openMenu(commands, [MENU], node)} />
    </div>
  );
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
  CommandIds.plan,
  CommandIds.runWithoutCache,
  CommandIds.openReport,
  CommandIds.openLog,
  CommandIds.openModules,
  CommandIds.suggestStages,
  CommandIds.copyCommand,
  CommandIds.undo
];

/** "Running", "Failed in boosting", "Succeeded". */
export function headline(run: Run, trans: TranslationBundle): string {
  const failed = failedStage(run);
  switch (run.state) {
    case 'failed':
      return failed ? trans.__('Failed in %1', failed.name) : trans.__('Failed');
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
