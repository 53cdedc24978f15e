/** Active runs in JupyterLab's panel of running things. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRunningSessionManagers, type IRunningSessions } from '@jupyterlab/running';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { CommandIds } from '../commands';
import { pipelineIcon } from '../icons';
import type { NotebookPipeline } from '../runs/pipeline';
import { countStages, isActive } from '../runs/state';
import { IPipelines } from '../tokens';

export const sessions: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:sessions',
  description: 'Lists active runs among the running things.',
  autoStart: true,
  requires: [IPipelines, IRunningSessionManagers],
  optional: [ITranslator],
  activate: (app, pipelines: IPipelines, managers: IRunningSessionManagers, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    managers.add(new ActiveRuns(app, pipelines, trans));
  }
};

class ActiveRuns implements IRunningSessions.IManager {
  readonly name: string;
  readonly shutdownLabel: string;
  readonly shutdownAllLabel: string;
  readonly shutdownAllConfirmationText: string;
  readonly runningChanged = new Signal<this, void>(this);
  private listed = '';

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly pipelines: IPipelines,
    private readonly trans: TranslationBundle
  ) {
    this.name = trans.__('Pipeline Runs');
    this.shutdownLabel = trans.__('Cancel Run');
    this.shutdownAllLabel = trans.__('Cancel All');
    this.shutdownAllConfirmationText = trans.__('Cancel all runs of open notebooks?');
    const follow = (pipeline: NotebookPipeline) => pipeline.changed.connect(this.check, this);
    pipelines.added.connect((_, pipeline) => follow(pipeline));
    pipelines.all.forEach(follow);
  }

  running(): IRunningSessions.IRunningItem[] {
    return this.active().map(pipeline => ({
      open: () => this.open(pipeline),
      shutdown: () => this.cancel(pipeline),
      icon: () => pipelineIcon,
      label: () => this.label(pipeline),
      labelTitle: () => pipeline.stages.path
    }));
  }

  refreshRunning(): void {
    this.active().forEach(pipeline => void pipeline.history.refresh());
  }

  shutdownAll(): void {
    this.active().forEach(pipeline => this.cancel(pipeline));
  }

  private active(): NotebookPipeline[] {
    return this.pipelines.all.filter(pipeline => isActive(pipeline.run));
  }

  private label({ name, run }: NotebookPipeline): string {
    const counts = run && countStages(run);
    return counts ? this.trans.__('%1, %2 of %3 stages', name, counts.done, counts.total) : name;
  }

  private open(pipeline: NotebookPipeline): void {
    this.app.shell.activateById(pipeline.stages.panel.id);
    void this.app.commands.execute(CommandIds.showPanel);
  }

  private cancel(pipeline: NotebookPipeline): void {
    if (pipeline.run) {
      void pipeline.cancel(pipeline.run.run_id);
    }
  }

  private check(): void {
    const listed = this.active().map(pipeline => this.label(pipeline)).join('\n');
    if (listed !== this.listed) {
      this.listed = listed;
      this.runningChanged.emit();
    }
  }
}
