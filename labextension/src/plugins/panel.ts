/** The side panel, on the left, restored on reload. */

import { ILabShell, ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIds } from '../commands';
import { PANEL_ID, PipelinePanel } from '../sidebar/panel';
import { FirstSteps } from '../sidebar/tour';
import { IPipelinePanel, IPipelines } from '../tokens';

export const panel: JupyterFrontEndPlugin<IPipelinePanel> = {
  id: 'jupyter-pipe:panel',
  description: 'The side panel: stages, graph, parameters, runs, problems.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ILabShell, ILayoutRestorer, ICommandPalette, IStateDB, ITranslator],
  provides: IPipelinePanel,
  activate: (
    app,
    pipelines: IPipelines,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    state: IStateDB | null,
    translator: ITranslator | null
  ): IPipelinePanel => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const steps = new FirstSteps(state);
    const widget = new PipelinePanel({ pipelines, commands: app.commands, trans, state, steps, translator });
    app.shell.add(widget, 'left', { rank: 450 });
    restorer?.add(widget, PANEL_ID);
    const reveal = (stage?: string) => {
      app.shell.activateById(PANEL_ID);
      const id = stage ? `jp-pipe-stage-${stage}` : '';
      widget.node.querySelector(`#${CSS.escape(id || 'jp-pipe-none')}`)?.scrollIntoView({ block: 'nearest' });
      widget.node.querySelector<HTMLElement>('.jp-pipe-Tree')?.focus();
    };
    app.commands.addCommand(CommandIds.showPanel, {
      label: trans.__('Show Pipeline Panel'),
      execute: () => toggle(app, pipelines, shell, reveal)
    });
    app.commands.addCommand(CommandIds.showProblems, {
      label: trans.__('Show Problems of the Pipeline'),
      execute: () => {
        app.shell.activateById(PANEL_ID);
        widget.showProblems();
      }
    });
    app.commands.addCommand(CommandIds.firstSteps, {
      label: trans.__('First Steps with Pipelines'),
      isEnabled: () => pipelines.current !== null,
      execute: () => {
        app.shell.activateById(PANEL_ID);
        steps.start();
      }
    });
    // The last step is done when the report is open.
    app.commands.commandExecuted.connect((_, { id }) => id === CommandIds.openReport && steps.close());
    for (const command of [CommandIds.showPanel, CommandIds.showProblems, CommandIds.firstSteps]) {
      palette?.addItem({ command, category: trans.__('Pipelines') });
    }
    return { reveal };
  }
};

/** To the panel; from there, back to the cell. */
function toggle(
  app: JupyterFrontEnd,
  pipelines: IPipelines,
  shell: ILabShell | null,
  reveal: (stage?: string) => void
): void {
  const isInPanel = document.activeElement?.closest(`#${PANEL_ID}`) !== null && document.activeElement !== null;
  const stages = pipelines.current?.stages;
  if (isInPanel && stages) {
    (shell ?? app.shell).activateById(stages.panel.id);
    stages.panel.content.node.focus();
  } else {
    reveal(stages?.activeCell?.stage ?? undefined);
  }
}
