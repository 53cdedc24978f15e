/** What the compiler says about the notebook as it is being edited, some time after the last edit. */

import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';
import { ApiError, type Client } from '../api/client';
import type { Diagnostic, Pipeline } from '../api/types';
import { readContent } from '../notebook/content';
import type { NotebookStages } from '../notebook/stages';
import { Latest } from './latest';

const QUIET_MS = 700;

export class Checker implements IDisposable {
  /** The last good answer: kept, dimmed, while the notebook does not compile. */
  pipeline: Pipeline | null = null;
  diagnostics: readonly Diagnostic[] = [];
  /**
   * The document's ids by those that runs of its file know, where the file has none: those of texts and of older
   * formats are made from the code. What was known stays: a cell that has been edited since is still the one that ran.
   */
  cells: Readonly<Record<string, string>> = {};
  error: ApiError | null = null;
  isChecking = false;
  checkedAt: Date | null = null;
  private readonly changedSignal = new Signal<this, void>(this);
  private readonly latest = new Latest(() => this.check());
  private readonly debouncer = new Debouncer(() => this.latest.ask(), QUIET_MS);

  constructor(
    private readonly stages: NotebookStages,
    private readonly client: Client
  ) {
    stages.changed.connect(this.onEdited, this);
    stages.panel.context.model.contentChanged.connect(this.onEdited, this);
    stages.panel.context.fileChanged.connect(this.onEdited, this);
  }

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get isDisposed(): boolean {
    return this.debouncer.isDisposed;
  }

  /** Nothing has been answered yet. */
  get isPending(): boolean {
    return this.checkedAt === null && this.error === null;
  }

  get hasErrors(): boolean {
    return this.diagnostics.some(diagnostic => diagnostic.severity === 'error');
  }

  refresh(): Promise<void> {
    return this.latest.ask();
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.debouncer.dispose();
    Signal.clearData(this);
  }

  private onEdited(): void {
    if (!this.isDisposed && this.stages.hasPipeline) {
      void this.debouncer.invoke();
    }
  }

  private async check(): Promise<void> {
    const { panel, path, preview, cells } = this.stages;
    // What is suggested is checked before it is accepted.
    const content = readContent(panel, new Map(preview.edits(cells).map(edit => [edit.cellId, edit.after])));
    if (!content || this.isDisposed) {
      return;
    }
    this.isChecking = true;
    this.changedSignal.emit();
    try {
      const answer = await this.client.check({ notebook: path, content });
      this.pipeline = answer.pipeline ?? this.pipeline;
      this.diagnostics = answer.diagnostics;
      this.cells = { ...this.cells, ...answer.cells };
      this.error = null;
      this.checkedAt = new Date();
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, 'unreachable', String(error));
    }
    this.isChecking = false;
    this.changedSignal.emit();
  }
}
