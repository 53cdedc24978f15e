/** The outputs of the shown run beside the cells of one notebook, for the cells that were asked for. */

import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ExecutedOutputs, Run, StageRun } from '../api/types';
import { stageOfCell } from '../runs/flow';
import { Latest } from '../runs/latest';
import type { NotebookPipeline } from '../runs/pipeline';
import { addBelow } from './below';
import { OutputWidget } from './output';

// The runner saves what a running stage shows now and then, which no event tells of.
const AGAIN_MS = 2000;

export class CellOutputs implements IDisposable {
  private readonly shown = new Map<string, OutputWidget>();
  private readonly fetched = new Map<string, { key: string; answer: ExecutedOutputs }>();
  private readonly latest = new Latest(() => this.fetch());
  private disposed = false;
  private timer = 0;

  constructor(
    private readonly pipeline: NotebookPipeline,
    private readonly trans: TranslationBundle
  ) {
    pipeline.changed.connect(this.draw, this);
    pipeline.stages.panel.disposed.connect(() => this.dispose());
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  isShown(cellId: string): boolean {
    return this.shown.has(cellId);
  }

  /** Show the outputs of these cells, or hide them if all are shown. */
  toggle(cellIds: readonly string[]): void {
    const isHiding = cellIds.every(id => this.isShown(id));
    for (const id of cellIds) {
      if (isHiding) {
        this.hide(id);
      } else if (!this.isShown(id)) {
        this.attach(id);
      }
    }
    this.draw();
  }

  dispose(): void {
    if (!this.disposed) {
      this.disposed = true;
      window.clearTimeout(this.timer);
      [...this.shown.keys()].forEach(id => this.hide(id));
      Signal.disconnectReceiver(this);
    }
  }

  private hide(cellId: string): void {
    this.shown.get(cellId)?.dispose();
    this.shown.delete(cellId);
  }

  private attach(cellId: string): void {
    const cell = this.cell(cellId);
    if (!cell) {
      return;
    }
    const { rendermime } = this.pipeline.stages.panel.content;
    const widget = new OutputWidget(rendermime, () => this.hide(cellId), this.trans);
    this.shown.set(cellId, widget);
    if (!addBelow(cell, widget)) {
      void cell.ready.then(() => widget.isDisposed || addBelow(cell, widget));
    }
  }

  private cell(cellId: string): Cell | undefined {
    return this.pipeline.stages.panel.content.widgets.find(widget => widget.model.id === cellId);
  }

  /** The run and stage that a cell was executed in. */
  private place(cellId: string): { run: Run; stage: StageRun } | null {
    const { run, stages, pipeline } = this.pipeline;
    const name = stageOfCell(pipeline, cellId) ?? stages.stageOf(cellId)?.stage;
    const stage = run?.stages.find(each => each.name === name);
    return run && stage ? { run, stage } : null;
  }

  private outputsOf(answer: ExecutedOutputs | undefined, cellId: string): ExecutedOutputs['outputs'][string] {
    const found = Object.entries(answer?.outputs ?? {}).find(([id]) => this.pipeline.cellOfRun(id) === cellId);
    return found?.[1] ?? [];
  }

  private draw(): void {
    let isDue = false;
    for (const [cellId, widget] of this.shown) {
      const place = this.place(cellId);
      if (widget.isDisposed) {
        this.shown.delete(cellId);
      } else if (place) {
        const known = this.fetched.get(place.stage.name);
        const isCurrent = known?.key === keyOf(place.run, place.stage);
        const isOfRun = known?.key.startsWith(place.run.run_id) ?? false;
        widget.draw({ ...place, outputs: isOfRun ? this.outputsOf(known?.answer, cellId) : null });
        isDue ||= !isCurrent;
      }
    }
    if (isDue) {
      void this.latest.ask();
    }
  }

  /** Fetch what the stages of the shown cells have shown since the last time. */
  private async fetch(): Promise<void> {
    const places = [...this.shown.keys()].map(id => this.place(id)).filter(place => place !== null);
    const due = new Map(places.map(place => [place.stage.name, place]));
    for (const [name, { run, stage }] of due) {
      const key = keyOf(run, stage);
      if (this.fetched.get(name)?.key !== key || stage.state === 'running') {
        this.fetched.set(name, { key, answer: await this.read(run, stage) });
      }
    }
    if (!this.disposed) {
      this.draw();
      this.again([...due.values()].some(({ stage }) => stage.state === 'running'));
    }
  }

  private again(isDue: boolean): void {
    window.clearTimeout(this.timer);
    if (isDue) {
      this.timer = window.setTimeout(() => void this.latest.ask(), AGAIN_MS);
    }
  }

  private async read(run: Run, stage: StageRun): Promise<ExecutedOutputs> {
    const { client, history } = this.pipeline;
    // A reused stage was executed by an earlier run.
    const runId = stage.state === 'cached' && stage.cached_from ? stage.cached_from : run.run_id;
    return client.outputs(history.address(runId), stage.name).catch(() => ({ outputs: {} }));
  }
}

function keyOf(run: Run, stage: StageRun): string {
  return [run.run_id, stage.state, stage.attempts, stage.cells_done].join(' ');
}
