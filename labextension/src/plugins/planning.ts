/** What would run and why: asked for by a command, and after every save for the marks "stale". */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ApiError } from '../api/client';
import { CommandIds } from '../commands';
import { showPlan } from '../documents/plan';
import { Latest } from '../runs/latest';
import type { NotebookPipeline } from '../runs/pipeline';
import { ensureSaved } from '../runs/saving';
import { IPipelines } from '../tokens';

export const planning: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:planning',
  description: 'Says what would run and why, and marks stages whose results are out of date.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ICommandPalette, ITranslator],
  activate: (app, pipelines: IPipelines, palette: ICommandPalette | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    app.commands.addCommand(CommandIds.plan, {
      label: trans.__('Plan…'),
      caption: trans.__('What would run, and why'),
      isEnabled: () => pipelines.current !== null && !pipelines.current.isServerMissing,
      execute: async () => {
        const pipeline = pipelines.current;
        try {
          if (pipeline && (await ensureSaved(pipeline.stages.panel, 'save', trans))) {
            const plan = await pipeline.makePlan();
            if (await showPlan(plan, pipeline.name, trans)) {
              await app.commands.execute(CommandIds.compileAndRun);
            }
          }
        } catch (error) {
          if (!(error instanceof ApiError)) {
            throw error;
          }
          Notification.error([error.message, error.hint].filter(Boolean).join(' '));
        }
      }
    });
    palette?.addItem({ command: CommandIds.plan, category: trans.__('Pipelines') });
    pipelines.added.connect((_, pipeline) => planAfterSaves(pipeline));
    pipelines.all.forEach(planAfterSaves);
  }
};

/** Once a notebook has run, each save asks what is out of date. */
function planAfterSaves(pipeline: NotebookPipeline): void {
  const latest = new Latest(async () => {
    if (pipeline.run && !pipeline.isRunning && !pipeline.isDisposed) {
      // A notebook that does not compile has no plan; the problems say so already.
      await pipeline.makePlan().catch(() => pipeline.clearPlan());
    }
  });
  const onSave = (_: DocumentRegistry.Context, state: DocumentRegistry.SaveState) => {
    if (state === 'completed') {
      void latest.ask();
    }
  };
  pipeline.stages.panel.context.saveState.connect(onSave);
  pipeline.history.ended.connect(() => pipeline.clearPlan());
}
