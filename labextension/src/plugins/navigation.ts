/** Commands that lead from the panel to cells. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIds } from '../commands';
import { firstCellOf, goToCell } from '../notebook/navigation';
import { findStage } from '../runs/flow';
import { IPipelines } from '../tokens';

export const navigation: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:navigation',
  description: 'Commands that lead to the cells of stages and problems.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ITranslator],
  activate: (app, pipelines: IPipelines, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    app.commands.addCommand(CommandIds.goToCell, {
      label: trans.__('Go to Cell'),
      execute: async args => {
        const stages = pipelines.current?.stages;
        if (stages && typeof args.cellId === 'string') {
          await goToCell(stages, args.cellId, typeof args.line === 'number' ? args.line : null);
        }
      }
    });
    app.commands.addCommand(CommandIds.goToStage, {
      label: trans.__('Go to Cell'),
      execute: async args => {
        const pipeline = pipelines.current;
        const stage = String(args.stage ?? '');
        if (!pipeline) {
          return;
        }
        const failure = pipeline.stageRun(stage)?.failure;
        const compiled = findStage(pipeline.pipeline, stage)?.cells ?? [];
        const cellId = pipeline.cellOfRun(failure?.cell_id) ?? firstCellOf(pipeline.stages, stage, compiled);
        if (cellId) {
          await goToCell(pipeline.stages, cellId, failure?.line ?? null);
        }
      }
    });
  }
};
