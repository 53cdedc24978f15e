/** What would run and why: asked for by a command, and after every edit for the marks "stale". */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIds } from '../commands';
import { reported } from '../controls/telling';
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
        await reported(async () => {
          if (pipeline && (await ensureSaved(pipeline.stages.panel, 'save', trans))) {
            const plan = await pipeline.makePlan();
            const { showPlan } = await import('../documents/plan');
            if (await showPlan(plan, pipeline.name, trans)) {
              await app.commands.execute(CommandIds.compileAndRun);
            }
          }
        });
      }
    });
    palette?.addItem({ command: CommandIds.plan, category: trans.__('Pipelines') });
    pipelines.added.connect((_, pipeline) => planAfterEdits(pipeline));
    pipelines.all.forEach(planAfterEdits);
  }
};

/** Once a notebook has run, each answer of the compiler to an edit, and each save, asks what is out of date. */
function planAfterEdits(pipeline: NotebookPipeline): void {
  const { checker, stages } = pipeline;
  let planned = checker.checkedAt;
  const latest = new Latest(async () => {
    if (pipeline.run && !pipeline.isRunning && !pipeline.isDisposed) {
      // A notebook that does not compile has no plan; the problems say so already.
      await pipeline.makePlan(!stages.panel.context.model.dirty).catch(() => pipeline.clearPlan());
    }
  });
  checker.changed.connect(() => {
    // The first answer is to the opening of the notebook, which costs enough as it is.
    if (checker.checkedAt !== planned && !checker.isChecking) {
      const isEdit = planned !== null;
      planned = checker.checkedAt;
      if (isEdit && !checker.hasErrors && !stages.preview.draft) {
        void latest.ask();
      }
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
