/** Makes the models of open notebooks: `IStages` and `IPipelines`. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { Client } from '../api/client';
import { NotebookStages } from '../notebook/stages';
import { RunFeed } from '../runs/feed';
import { NotebookPipeline } from '../runs/pipeline';
import { IPipelines, IStages } from '../tokens';

/** One model a notebook, made when the notebook opens. */
class Models<T extends { readonly isDisposed: boolean }> {
  readonly added = new Signal<this, T>(this);
  readonly currentChanged = new Signal<this, T | null>(this);
  private readonly models = new Map<NotebookPanel, T>();

  constructor(
    private readonly tracker: INotebookTracker,
    private readonly make: (panel: NotebookPanel) => T
  ) {
    tracker.widgetAdded.connect((_, panel) => void this.of(panel));
    tracker.currentChanged.connect((_, panel) => this.currentChanged.emit(panel && this.of(panel)));
    tracker.forEach(panel => this.of(panel));
  }

  get current(): T | null {
    const panel = this.tracker.currentWidget;
    return panel && !panel.isDisposed ? this.of(panel) : null;
  }

  get all(): T[] {
    return [...this.models.values()];
  }

  of(panel: NotebookPanel): T {
    const known = this.models.get(panel);
    if (known) {
      return known;
    }
    const model = this.make(panel);
    this.models.set(panel, model);
    panel.disposed.connect(() => this.models.delete(panel));
    this.added.emit(model);
    return model;
  }
}

class PipelineModels extends Models<NotebookPipeline> implements IPipelines {
  constructor(
    tracker: INotebookTracker,
    readonly client: Client,
    readonly feed: RunFeed,
    make: (panel: NotebookPanel) => NotebookPipeline
  ) {
    super(tracker, make);
  }
}

export const stages: JupyterFrontEndPlugin<IStages> = {
  id: 'jupyter-pipe:stages',
  description: 'Reads the stages of the open notebooks from the tags of their cells.',
  autoStart: true,
  requires: [INotebookTracker],
  provides: IStages,
  activate: (_, tracker: INotebookTracker): IStages => new Models(tracker, panel => new NotebookStages(panel))
};

export const pipelines: JupyterFrontEndPlugin<IPipelines> = {
  id: 'jupyter-pipe:pipelines',
  description: 'Compiles, checks and runs the open notebooks through the server extension.',
  autoStart: true,
  requires: [INotebookTracker, IStages],
  provides: IPipelines,
  activate: (app, tracker: INotebookTracker, stages: IStages): IPipelines => {
    const client = new Client(app.serviceManager.serverSettings);
    const feed = new RunFeed(app.serviceManager.events);
    return new PipelineModels(tracker, client, feed, panel => new NotebookPipeline(stages.of(panel), client, feed));
  }
};
