/**
 * Draws the stages of one notebook on its cells: a bar at the left edge, and a chip in the header of
 * each block's first cell. Iterates the notebook's widgets, never the DOM; touches a cell only when
 * what it shows has changed.
 */

import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { StageRun } from '../api/types';
import type { NotebookStages } from '../notebook/stages';
import type { CellStage } from '../stages/blocks';
import { Chip, type ChipContent } from './chip';

const CELL_CLASS = 'jp-pipe-Cell';

/** What a run adds to the chips: the state of a stage, or that its result is out of date. */
export interface BadgeSource {
  stageRun(stage: string): StageRun | null;
  isStale(stage: string): boolean;
  /** The cells that the compiler made the implicit stage. */
  implicitCells(): ReadonlySet<string>;
}

/** A chip, and the block that it stands for. */
interface Placed {
  readonly chip: Chip;
  readonly cell: CellStage;
  readonly name: string;
}

export type OpenPicker = (stages: NotebookStages, cellId: string, anchor: HTMLElement) => void;

export class CellBadges implements IDisposable {
  private readonly chips = new Map<Cell, Placed>();
  /** What each bar shows: the cells of a large notebook are not touched for nothing. */
  private readonly bars = new WeakMap<Cell, string>();
  private readonly waiting = new WeakSet<Cell>();
  private disposed = false;

  constructor(
    private readonly stages: NotebookStages,
    private readonly source: BadgeSource,
    private readonly open: OpenPicker,
    private readonly trans: TranslationBundle
  ) {
    stages.changed.connect(this.draw, this);
    stages.panel.disposed.connect(() => this.dispose());
    this.draw();
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** Draw what a run changes, which is never where a block begins: the chips alone, as they stand. */
  drawStates(): void {
    for (const { chip, cell, name } of this.chips.values()) {
      chip.show(this.content(cell, name));
    }
  }

  /** Draw what has changed since the last time. */
  draw(): void {
    if (this.disposed) {
      return;
    }
    const placed = new Map(this.stages.shown.outline.cells.map(cell => [cell.id, cell]));
    const implicit = this.source.implicitCells();
    for (const widget of this.stages.panel.content.widgets) {
      this.drawCell(widget, placed.get(widget.model.id), implicit);
    }
  }

  dispose(): void {
    if (this.disposed) {
      return;
    }
    this.disposed = true;
    for (const { chip } of this.chips.values()) {
      chip.dispose();
    }
    this.chips.clear();
    Signal.disconnectReceiver(this);
  }

  private drawCell(widget: Cell, cell: CellStage | undefined, implicit: ReadonlySet<string>): void {
    const name = cell && (cell.stage ?? cell.role ?? (implicit.has(cell.id) ? 'setup' : null));
    if (!cell || !name || cell.role === 'leading') {
      this.clear(widget);
      return;
    }
    this.drawBar(widget, cell);
    if (cell.first) {
      this.drawChip(widget, cell, name);
    } else {
      this.dropChip(widget);
    }
  }

  private drawBar(widget: Cell, cell: CellStage): void {
    const { colours, isSuggested } = this.stages.shown;
    const colour = cell.stage ? colours.of(cell.stage) : null;
    const bar = {
      pipeColour: colour ? String(colour.number) : 'grey',
      pipeBar: colour?.style ?? 'solid',
      pipeOwn: String(cell.own),
      pipeSuggested: String(isSuggested),
      pipeEdge: [cell.first && 'first', cell.last && 'last'].filter(Boolean).join(' ')
    };
    const key = Object.values(bar).join();
    if (this.bars.get(widget) !== key) {
      this.bars.set(widget, key);
      widget.node.classList.add(CELL_CLASS);
      Object.assign(widget.node.dataset, bar);
    }
  }

  private drawChip(widget: Cell, cell: CellStage, name: string): void {
    const header = findPart(widget, 'jp-CellHeader');
    if (!header) {
      this.drawWhenReady(widget);
      return;
    }
    const known = this.chips.get(widget)?.chip;
    const chip =
      known ?? new Chip(header, node => this.open(this.stages, widget.model.id, node), this.trans);
    this.chips.set(widget, { chip, cell, name });
    chip.show(this.content(cell, name));
  }

  private content(cell: CellStage, name: string): ChipContent {
    const { outline, colours, isSuggested } = this.stages.shown;
    const stage = cell.stage;
    const known = isSuggested ? null : stage;
    return {
      name,
      colour: stage ? colours.of(stage).number : null,
      run: known === null ? null : this.source.stageRun(known),
      isStale: known !== null && this.source.isStale(known),
      suggestedCells: isSuggested ? (outline.stages.find(each => each.name === stage)?.cells.length ?? 0) : null,
      isReadOnly: this.stages.isReadOnly
    };
  }

  /** Cells far from the viewport have no header until they come near it; each waits once. */
  private drawWhenReady(widget: Cell): void {
    if (this.waiting.has(widget)) {
      return;
    }
    this.waiting.add(widget);
    void widget.ready.then(() => this.draw());
  }

  private clear(widget: Cell): void {
    this.dropChip(widget);
    if (this.bars.delete(widget)) {
      widget.node.classList.remove(CELL_CLASS);
      for (const key of ['pipeColour', 'pipeBar', 'pipeOwn', 'pipeSuggested', 'pipeEdge']) {
        delete widget.node.dataset[key];
      }
    }
  }

  private dropChip(widget: Cell): void {
    this.chips.get(widget)?.chip.dispose();
    this.chips.delete(widget);
  }
}

/** A cell's own header or footer: its direct child of that class. */
export function findPart(widget: Cell, className: string): HTMLElement | null {
  const found = [...widget.node.children].find(child => child.classList.contains(className));
  return found instanceof HTMLElement ? found : null;
}
