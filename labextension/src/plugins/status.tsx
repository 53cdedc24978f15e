/** The status bar: what the run of the active notebook is doing, and the undo of a tag change. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';
import { CommandIds } from '../commands';
import { StateIcon } from '../controls/marks';
import { FrameWidget } from '../controls/widget';
import type { NotebookStages } from '../notebook/stages';
import { countStages, failedStage, isActive } from '../runs/state';
import type { NotebookPipeline } from '../runs/pipeline';
import { IPipelines, IStages } from '../tokens';

const UNDO_MS = 8000;

export const status: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:status',
  description: 'Shows the run in the status bar, and offers to undo a tag change.',
  autoStart: true,
  requires: [IPipelines, IStages, IStatusBar],
  optional: [ITranslator],
  activate: (app, pipelines: IPipelines, stages: IStages, bar: IStatusBar, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const execute = (id: string) => void app.commands.execute(id);
    const run = new RunItem(pipelines, () => execute(CommandIds.showPanel), trans);
    const undo = new UndoItem(stages, () => execute(CommandIds.undo), trans);
    bar.registerStatusItem('jupyter-pipe:run', { item: run, align: 'left', rank: 60 });
    bar.registerStatusItem('jupyter-pipe:undo', { item: undo, align: 'middle', rank: 10 });
  }
};

class RunItem extends FrameWidget {
  private followed: NotebookPipeline | null = null;

  constructor(
    private readonly pipelines: IPipelines,
    private readonly open: () => void,
    private readonly trans: TranslationBundle
  ) {
    super();
    pipelines.currentChanged.connect(this.follow, this);
    this.follow();
  }

  protected override render(): ReactElement | null {
    const run = this.followed?.run;
    if (!this.followed || !run) {
      return null;
    }
    return (
      <button type="button" className="jp-pipe-Status" title={this.trans.__('Show the pipeline')} onClick={this.open}>
        <StateIcon mark={run.state} size={14} trans={this.trans} />
        <span>{this.text(this.followed)}</span>
      </button>
    );
  }

  private follow(): void {
    const { current } = this.pipelines;
    this.followed?.changed.disconnect(this.drawSoon, this);
    current?.changed.connect(this.drawSoon, this);
    this.followed = current;
    this.drawSoon();
  }

  /** "home_value: 4/8 stages, forest 7/12" */
  private text({ name, run }: NotebookPipeline): string {
    if (!run) {
      return name;
    }
    const failed = failedStage(run);
    if (!isActive(run)) {
      if (run.state === 'waiting') {
        return this.trans.__('%1: waiting for you', name);
      }
      return failed ? this.trans.__('%1: failed in %2', name, failed.name) : `${name}: ${run.state}`;
    }
    const { done, total } = countStages(run);
    const now = run.stages.find(stage => stage.state === 'running');
    const place = now && now.cells_total > 0 ? `, ${now.name} ${Math.min(now.cells_done + 1, now.cells_total)}/${now.cells_total}` : '';
    return this.trans.__('%1: %2/%3 stages%4', name, done, total, place);
  }
}

/** "Renamed forest to trees in 4 cells. Undo", for eight seconds. */
class UndoItem extends ReactWidget {
  private label = '';
  private timer = 0;

  constructor(
    stages: IStages,
    private readonly undo: () => void,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.node.setAttribute('aria-live', 'polite');
    const follow = (model: NotebookStages) => model.edited.connect((_, change) => this.offer(change.label));
    stages.added.connect((_, model) => follow(model));
    if (stages.current) {
      follow(stages.current);
    }
  }

  protected override render(): ReactElement | null {
    if (!this.label) {
      return null;
    }
    const undo = () => {
      this.undo();
      this.offer('');
    };
    return (
      <span className="jp-pipe-Undo">
        {this.label}.{' '}
        <button type="button" className="jp-pipe-Link" onClick={undo}>
          {this.trans.__('Undo')}
        </button>
      </span>
    );
  }

  private offer(label: string): void {
    this.label = label;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.offer(''), UNDO_MS);
    if (!label) {
      window.clearTimeout(this.timer);
    }
    this.update();
  }
}
