/** Bars and chips on the cells of open notebooks. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CellBadges, type BadgeSource } from '../cells/badges';
import { CommandIds } from '../commands';
import { coalesced } from '../controls/frames';
import type { NotebookStages } from '../notebook/stages';
import type { NotebookPipeline } from '../runs/pipeline';
import { IPipelines, IStages } from '../tokens';

export const cells: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:cells',
  description: 'Shows the stage of each cell, and its state while a run is on.',
  autoStart: true,
  requires: [IStages],
  optional: [IPipelines, ITranslator],
  activate: (app, stages: IStages, pipelines: IPipelines | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const decorate = (model: NotebookStages, pipeline: NotebookPipeline | null) => {
      const badges = new CellBadges(model, badgeSource(pipeline), pickStage(app), trans);
      // Which cells the implicit stage has is the compiler's word.
      pipeline?.checker.changed.connect(coalesced(() => badges.draw()));
      pipeline?.changed.connect(coalesced(() => badges.drawStates()));
    };
    if (pipelines) {
      pipelines.added.connect((_, pipeline) => decorate(pipeline.stages, pipeline));
      pipelines.all.forEach(pipeline => decorate(pipeline.stages, pipeline));
    } else {
      stages.added.connect((_, model) => decorate(model, null));
      stages.all.forEach(model => decorate(model, null));
    }
  }
};

function badgeSource(pipeline: NotebookPipeline | null): BadgeSource {
  return {
    stageRun: stage => pipeline?.stageRun(stage) ?? null,
    isStale: stage => pipeline?.isStale(stage) ?? false,
    implicitCells: () => pipeline?.implicitCells ?? new Set()
  };
}

function pickStage(app: JupyterFrontEnd) {
  return (stages: NotebookStages, cellId: string) => {
    // A suggestion is bent in the panel.
    const command = stages.shown.isSuggested ? CommandIds.showPanel : CommandIds.pickStage;
    void app.commands.execute(command, { cellId });
  };
}
