/** Shows where the shown run failed, on the cells of one notebook; goes with the next run or with ×. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { StageRun } from '../api/types';
import type { NotebookPipeline } from '../runs/pipeline';
import { findStage } from '../runs/flow';
import { groupAlike } from '../runs/alike';
import { addBelow } from './below';
import { FailureWidget } from './failure';
import { markLine } from './line';
import { tracebackOf } from './traceback';

export class CellFailures implements IDisposable {
  private shown: { key: string; widget: FailureWidget; unmark: () => void }[] = [];
  private readonly closed = new Set<string>();
  private disposed = false;

  constructor(
    private readonly pipeline: NotebookPipeline,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    pipeline.changed.connect(this.draw, this);
    pipeline.stages.panel.disposed.connect(() => this.dispose());
    this.draw();
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  dispose(): void {
    if (!this.disposed) {
      this.disposed = true;
      this.keep(new Set());
      Signal.disconnectReceiver(this);
    }
  }

  private draw(): void {
    const run = this.pipeline.isStarting ? null : this.pipeline.run;
    const failed = run?.stages.filter(stage => stage.failure !== null && stage.state === 'failed') ?? [];
    const alike = groupAlike(failed);
    const wanted = new Map(alike.map(stages => [[run?.run_id, ...stages.map(stage => stage.name)].join(' '), stages]));
    this.keep(new Set(wanted.keys()));
    for (const [key, stages] of wanted) {
      if (!this.closed.has(key) && !this.shown.some(each => each.key === key)) {
        this.show(key, stages);
      }
    }
  }

  private keep(keys: ReadonlySet<string>): void {
    for (const { key, widget, unmark } of this.shown) {
      if (!keys.has(key) || this.closed.has(key) || widget.isDisposed) {
        unmark();
        widget.dispose();
      }
    }
    this.shown = this.shown.filter(each => !each.widget.isDisposed);
  }

  private show(key: string, [stage, ...others]: readonly StageRun[]): void {
    const { run, stages } = this.pipeline;
    const { failure } = stage;
    const cellId = this.pipeline.cellOfRun(failure?.cell_id) ?? findStage(this.pipeline.pipeline, stage.name)?.cells.at(-1);
    const cell = stages.panel.content.widgets.find(widget => widget.model.id === cellId);
    if (!run || !failure || !cell) {
      return;
    }
    const close = () => {
      this.closed.add(key);
      this.draw();
    };
    const inputs = this.inputs(stage.name);
    const { commands, trans } = this;
    const { client, history } = this.pipeline;
    const readTraceback = async () => tracebackOf(await client.outputs(history.address(run.run_id), stage.name));
    const widget = new FailureWidget({ run, stage, others: others.map(each => each.name), failure, inputs, readTraceback, commands, close, trans });
    if (!addBelow(cell, widget)) {
      widget.dispose();
      void cell.ready.then(() => this.draw());
      return;
    }
    this.shown.push({ key, widget, unmark: markLine(cell, failure.line) });
  }

  /** What the run wrote down about the values that the stage received. */
  private inputs(stage: string): Record<string, string> {
    const found: Record<string, string> = {};
    for (const input of findStage(this.pipeline.pipeline, stage)?.inputs ?? []) {
      const from = this.pipeline.stageRun(input.from);
      const summary = from?.artifacts.map(artifact => artifact.summary[input.name]).find(text => text);
      if (summary) {
        found[input.name] = this.trans.__('%1 from %2', summary, input.from);
      }
    }
    return found;
  }
}
