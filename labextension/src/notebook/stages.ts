/**
 * The stages of one open notebook, kept in step with the tags of its cells.
 *
 * Reads the notebook's model, tells when the outline changed, writes tag edits and takes them back.
 */

import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';
import { outline, type CellStage, type NotebookCell, type Outline } from '../stages/blocks';
import { StageColours } from '../stages/colours';
import type { TagEdit } from '../stages/edits';
import { TagHistory, type TagChange } from '../stages/history';
import { StagePreview } from '../suggest/preview';
import { filterWithTags } from './files';

/** The drive of executed notebooks. */
export const DRIVE_NAME = 'jupyter-pipe';

/** What the cells and lists show: the stages as tagged, or as suggested. */
export interface ShownStages {
  readonly outline: Outline;
  readonly colours: StageColours;
  readonly isSuggested: boolean;
}

export class NotebookStages implements IDisposable {
  readonly colours = new StageColours();
  readonly preview = new StagePreview();
  private readonly history = new TagHistory();
  private readonly changedSignal = new Signal<this, void>(this);
  private readonly editedSignal = new Signal<this, TagChange>(this);
  private readonly refresh = new Debouncer(() => this.read(), 0);
  private watched = new Set<ICellModel>();
  private current: Outline = { cells: [], stages: [] };
  private shownStages: ShownStages = { outline: this.current, colours: this.colours, isSuggested: false };
  /** Whether the notebook has changed since it was read. */
  private isDue = true;
  private disposed = false;

  constructor(readonly panel: NotebookPanel) {
    panel.content.modelContentChanged.connect(this.schedule, this);
    panel.content.modelChanged.connect(this.schedule, this);
    this.preview.changed.connect(this.read, this);
    panel.disposed.connect(() => this.dispose());
    void panel.context.ready.then(() => this.read());
  }

  /** The outline changed, or the cells' widgets did. */
  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  /** The user changed tags through us. */
  get edited(): ISignal<this, TagChange> {
    return this.editedSignal;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** The stages as they are now: a command may ask before the change has been told. */
  get outline(): Outline {
    this.catchUp();
    return this.current;
  }

  /** What is to be seen now; `outline` is what the notebook says. */
  get shown(): ShownStages {
    this.catchUp();
    return this.shownStages;
  }

  /** The path on the server, without the name of a drive in front. */
  get path(): string {
    return this.panel.context.path.replace(/^[^/:]+:/, '');
  }

  /** Whether this is not a source but what a run has executed. */
  get isExecuted(): boolean {
    return this.panel.context.path.startsWith(`${DRIVE_NAME}:`);
  }

  /** The stage that this notebook was written to try out, as `debug` writes it; null for all others. */
  get debugged(): string | null {
    const ours: unknown = this.panel.content.model?.getMetadata('jupyter_pipe');
    return textOf(ours, 'debug') ? textOf(ours, 'stage') : null;
  }

  /** The language of the kernel, as the notebook says; empty if it does not. */
  get language(): string {
    const model = this.panel.content.model;
    const spec: unknown = model?.getMetadata('kernelspec');
    const info: unknown = model?.getMetadata('language_info');
    return textOf(spec, 'language') || textOf(info, 'name');
  }

  get isPython(): boolean {
    return /^(i?python.*)?$/i.test(this.language);
  }

  /** Whether there is something to compile: not what a run has executed or a stage under debugging, and in Python. */
  get hasPipeline(): boolean {
    return !this.isExecuted && this.debugged === null && this.isPython;
  }

  get isReadOnly(): boolean {
    const { content, context } = this.panel;
    return this.isExecuted || context.contentsModel?.writable === false || (content.model?.readOnly ?? true);
  }

  get cells(): NotebookCell[] {
    return [...(this.panel.content.model?.cells ?? [])].map(readCell);
  }

  get canUndo(): boolean {
    return this.history.last !== null;
  }

  /** The selected code cells, or the active one. */
  get selectedIds(): string[] {
    const { widgets } = this.panel.content;
    return widgets.filter(cell => this.isSelectedCode(cell)).map(cell => cell.model.id);
  }

  get activeCell(): CellStage | null {
    const id = this.panel.content.activeCell?.model.id;
    return this.outline.cells.find(cell => cell.id === id) ?? null;
  }

  sourceOf(cellId: string): string {
    const cells = this.panel.content.model?.cells ?? [];
    return [...cells].find(cell => cell.id === cellId)?.sharedModel.getSource() ?? '';
  }

  stageOf(cellId: string): CellStage | null {
    return this.outline.cells.find(cell => cell.id === cellId) ?? null;
  }

  /** Write tags, each cell's list in one step, and remember how to take it back. */
  apply(label: string, edits: readonly TagEdit[]): void {
    if (edits.length === 0 || this.isReadOnly) {
      return;
    }
    const change = { label, edits };
    this.history.add(change);
    this.write(edits);
    this.editedSignal.emit(change);
  }

  undo(): TagChange | null {
    const change = this.history.last;
    this.write(this.history.undo(this.cells));
    return change;
  }

  dispose(): void {
    if (this.disposed) {
      return;
    }
    this.disposed = true;
    this.refresh.dispose();
    Signal.clearData(this);
  }

  /** Of a notebook that jupytext keeps as text: have it keep the tags. */
  private keepTags(): void {
    const model = this.panel.content.model;
    const settings: unknown = model?.getMetadata('jupytext');
    const filter = textOf(settings, 'cell_metadata_filter');
    const kept = filterWithTags(filter);
    if (model && kept !== filter) {
      model.setMetadata('jupytext', { ...(settings as object), cell_metadata_filter: kept });
    }
  }

  private write(edits: readonly TagEdit[]): void {
    const models = new Map([...(this.panel.content.model?.cells ?? [])].map(cell => [cell.id, cell]));
    for (const edit of edits) {
      const cell = models.get(edit.cellId);
      if (edit.after.length > 0) {
        cell?.setMetadata('tags', [...edit.after]);
      } else {
        cell?.deleteMetadata('tags');
      }
    }
    this.keepTags();
    this.read();
  }

  private isSelectedCode(cell: Cell): boolean {
    return cell.model.type === 'code' && this.panel.content.isSelectedOrActive(cell);
  }

  private schedule(): void {
    if (!this.disposed) {
      this.isDue = true;
      void this.refresh.invoke();
    }
  }

  private read(): void {
    if (this.disposed) {
      return;
    }
    this.isDue = true;
    this.catchUp();
    this.changedSignal.emit();
  }

  private catchUp(): void {
    if (!this.isDue || this.disposed) {
      return;
    }
    this.isDue = false;
    this.watch();
    this.current = outline(this.cells);
    this.colours.learn(this.current.stages.map(stage => stage.name));
    this.shownStages = this.see();
  }

  private see(): ShownStages {
    if (!this.preview.draft) {
      return { outline: this.current, colours: this.colours, isSuggested: false };
    }
    const suggested = this.preview.outline(this.cells);
    return { outline: suggested, colours: StagePreview.colours(suggested), isSuggested: true };
  }

  /** Listen to the metadata of each cell; a notebook's own signal does not tell of it. */
  private watch(): void {
    const cells = new Set(this.panel.content.model?.cells ?? []);
    for (const cell of cells) {
      if (!this.watched.has(cell)) {
        cell.metadataChanged.connect(this.onMetadata, this);
      }
    }
    this.watched = cells;
  }

  private onMetadata(_: ICellModel, change: { key?: string }): void {
    if (change.key === undefined || change.key === 'tags') {
      this.schedule();
    }
  }
}

function readCell(cell: ICellModel): NotebookCell {
  const tags: unknown = cell.getMetadata('tags');
  const texts = Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
  return { id: cell.id, kind: cell.type, tags: texts };
}

function textOf(record: unknown, key: string): string {
  const value: unknown = typeof record === 'object' && record !== null ? (record as Record<string, unknown>)[key] : '';
  return typeof value === 'string' ? value : '';
}
