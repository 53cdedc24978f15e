/**
 * What the compiler says, in the editors of one notebook: underlined, in the gutter, with its cure.
 *
 * CodeMirror's own lint does the drawing and keeps the marks at their text while it is edited.
 */

import { forceLinting, lintGutter, setDiagnostics, type Diagnostic as Mark } from '@codemirror/lint';
import type { EditorView } from '@codemirror/view';
import type { Cell } from '@jupyterlab/cells';
import { CodeMirrorEditor } from '@jupyterlab/codemirror';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { Diagnostic } from '../api/types';
import type { NotebookPipeline } from '../runs/pipeline';
import { applyFix } from '../stages/edits';

/** The part of a text that a finding is about: its word, or its line where nobody knows the column. */
export function rangeOf(text: string, line: number | null, column: number | null): [number, number] {
  const lines = text.split('\n');
  const index = Math.min(Math.max((line ?? 1) - 1, 0), lines.length - 1);
  const start = lines.slice(0, index).reduce((sum, each) => sum + each.length + 1, 0);
  const whole = lines[index];
  if (line === null || column === null || column > whole.length) {
    return [start + whole.length - whole.trimStart().length, start + whole.trimEnd().length];
  }
  const word = /^[\p{ID_Continue}]+/u.exec(whole.slice(column - 1));
  return [start + column - 1, start + column - 1 + (word ? word[0].length : 1)];
}

export class CellProblems implements IDisposable {
  /** The findings that were drawn last: they are new objects whenever the compiler has looked again. */
  private drawn: readonly Diagnostic[] = [];
  private readonly marked = new Set<EditorView>();
  private readonly withGutter = new WeakSet<EditorView>();
  private readonly waiting = new WeakSet<Cell>();
  private disposed = false;

  constructor(private readonly pipeline: NotebookPipeline) {
    pipeline.checker.changed.connect(this.onChecked, this);
    pipeline.stages.panel.disposed.connect(() => this.dispose());
    this.draw();
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  dispose(): void {
    this.disposed = true;
    Signal.disconnectReceiver(this);
  }

  private onChecked(): void {
    if (this.drawn !== this.pipeline.checker.diagnostics) {
      this.draw();
    }
  }

  private draw(): void {
    if (this.disposed) {
      return;
    }
    const { checker, stages } = this.pipeline;
    this.drawn = checker.diagnostics;
    const found = new Map<string, Diagnostic[]>();
    for (const each of checker.diagnostics.filter(each => each.cell_id !== null)) {
      found.set(each.cell_id ?? '', [...(found.get(each.cell_id ?? '') ?? []), each]);
    }
    for (const cell of stages.panel.content.widgets) {
      this.mark(cell, found.get(cell.model.id) ?? []);
    }
  }

  private mark(cell: Cell, found: readonly Diagnostic[]): void {
    const { editor } = cell;
    if (!(editor instanceof CodeMirrorEditor)) {
      this.markWhenReady(cell, found);
      return;
    }
    const view = editor.editor;
    if (found.length === 0 && !this.marked.has(view)) {
      return;
    }
    if (!this.withGutter.has(view)) {
      // Cells without problems keep their width: the gutter comes with the first one.
      editor.injectExtension(lintGutter());
      this.withGutter.add(view);
    }
    const text = view.state.doc.toString();
    view.dispatch(setDiagnostics(view.state, found.map(each => this.markOf(each, text))));
    forceLinting(view);
    this.marked[found.length > 0 ? 'add' : 'delete'](view);
  }

  private markOf(found: Diagnostic, text: string): Mark {
    const [from, to] = rangeOf(text, found.line, found.column);
    const { stages } = this.pipeline;
    return {
      from,
      to,
      severity: found.severity,
      source: found.code,
      message: [found.message, found.hint].filter(Boolean).join('\n'),
      actions: stages.isReadOnly
        ? []
        : found.fixes.map(fix => ({
            name: fix.title,
            apply: () => stages.apply(fix.title, applyFix(stages.cells, fix.cell_id, fix.add_tags, fix.remove_tags))
          }))
    };
  }

  /** Cells far from the viewport have no editor until they come near it; each waits once. */
  private markWhenReady(cell: Cell, found: readonly Diagnostic[]): void {
    if (found.length > 0 && !this.waiting.has(cell)) {
      this.waiting.add(cell);
      void cell.ready.then(() => this.draw());
    }
  }
}
