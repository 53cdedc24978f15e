/**
 * One open notebook as a pipeline: its stages, what the compiler says, its runs, and what the user
 * can do with them. The panel, the toolbar, the cells and the status bar all read this.
 */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client } from '../api/client';
import type { NoteRequest, Pipeline, PlanAnswer, Run, StageRun, StartRequest } from '../api/types';
import { readContent } from '../notebook/content';
import { pipelineName } from '../notebook/files';
import type { NotebookStages } from '../notebook/stages';
import { Checker } from './checker';
import { expectedSeconds, lastSeconds } from './durations';
import type { RunFeed } from './feed';
import { RunHistory } from './history';
import { isActive } from './state';

export type RunOptions = Omit<StartRequest, 'notebook' | 'parameters'>;

const HAS_RESULT: ReadonlySet<string> = new Set(['succeeded', 'cached']);

export class NotebookPipeline implements IDisposable {
  readonly checker: Checker;
  readonly history: RunHistory;
  /** What the user typed instead of the notebook's values, by parameter. */
  readonly parameters = new Map<string, string>();
  plan: PlanAnswer | null = null;
  /** True from the click until the server has taken the run on. */
  isStarting = false;
  /** The run that was asked to stop, from the click on: a kernel may take seconds to end. */
  private cancelling: string | null = null;
  private disposed = false;
  private readonly changedSignal = new Signal<this, void>(this);
  private readonly startedSignal = new Signal<this, Run>(this);

  constructor(
    readonly stages: NotebookStages,
    readonly client: Client,
    feed: RunFeed
  ) {
    this.checker = new Checker(stages, client);
    this.history = new RunHistory(() => stages.path, client, feed);
    for (const part of [stages.changed, this.checker.changed, this.history.changed]) {
      part.connect(this.emit, this);
    }
    stages.panel.disposed.connect(() => this.dispose());
    void stages.panel.context.ready.then(() => this.refresh());
  }

  /** Anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  /** The user started a run here. */
  get started(): ISignal<this, Run> {
    return this.startedSignal;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  get name(): string {
    return this.checker.pipeline?.name ?? pipelineName(this.stages.path);
  }

  get run(): Run | null {
    return this.history.run;
  }

  get pipeline(): Pipeline | null {
    return this.checker.pipeline;
  }

  /** The document's cell of an id that a run wrote down; null for none. */
  cellOfRun(cellId: string | null | undefined): string | null {
    return cellId ? (this.checker.cells[cellId] ?? cellId) : null;
  }

  get isRunning(): boolean {
    return this.isStarting || isActive(this.run);
  }

  get isCancelling(): boolean {
    return isActive(this.run) && this.run?.run_id === this.cancelling;
  }

  /** Tagging works without the server extension; nothing else does. */
  get isServerMissing(): boolean {
    return this.history.error?.isMissing ?? false;
  }

  get isUnreachable(): boolean {
    return this.history.error?.status === 0;
  }

  /** Cells without a tag that the compiler made the implicit stage. */
  get implicitCells(): ReadonlySet<string> {
    const tagged = new Set(this.stages.shown.outline.stages.map(stage => stage.name));
    const implicit = this.pipeline?.stages.filter(stage => stage.name === 'setup' && !tagged.has('setup')) ?? [];
    return new Set(implicit.flatMap(stage => stage.cells));
  }

  /** Whether what is shown is not the newest run. */
  get isOld(): boolean {
    const newest = this.history.runs?.[0]?.run_id;
    return this.run !== null && newest !== undefined && newest !== this.run.run_id;
  }

  /** Whether there is anything to run. */
  get hasCode(): boolean {
    return this.stages.cells.some(cell => cell.kind === 'code' && this.stages.sourceOf(cell.id).trim() !== '');
  }

  /** Whether nobody has said yet what the stages are. */
  get needsStages(): boolean {
    return this.run === null && this.stages.outline.stages.length === 0 && this.hasCode;
  }

  /**
   * Whether the last plan says that the stage would run again although it has a result. One that failed, or
   * was skipped, has none: it goes on saying so.
   */
  isStale(stage: string): boolean {
    const planned = this.plan?.stages.find(candidate => candidate.name === stage);
    return !this.isRunning && planned?.action === 'run' && HAS_RESULT.has(this.stageRun(stage)?.state ?? '');
  }

  stageRun(stage: string): StageRun | null {
    return this.run?.stages.find(candidate => candidate.name === stage) ?? null;
  }

  /** What the stage took the last time. */
  lastSeconds(stage: string): number | null {
    return lastSeconds(this.history.earlier, stage);
  }

  /** About how long the shown run takes. */
  get expectedSeconds(): number | null {
    return this.run && expectedSeconds(this.run, stage => this.lastSeconds(stage));
  }

  setParameter(name: string, text: string | null): void {
    if (text === null) {
      this.parameters.delete(name);
    } else {
      this.parameters.set(name, text);
    }
    this.emit();
  }

  async refresh(): Promise<void> {
    if (!this.disposed && this.stages.hasPipeline) {
      await Promise.all([this.checker.refresh(), this.history.refresh()]);
    }
  }

  /** Start a run of the saved notebook. Raises ApiError. */
  async start(options: RunOptions = {}): Promise<void> {
    this.plan = null;
    await this.begin(() => this.client.start(this.request(options)));
  }

  /** Have another engine run the saved notebook. Raises ApiError. */
  async submit(engine: string): Promise<void> {
    this.plan = null;
    const parameters = Object.fromEntries(this.parameters);
    await this.begin(() => this.client.submit({ engine, notebook: this.stages.path, parameters }));
  }

  async resume(runId: string): Promise<void> {
    await this.begin(() => this.client.resume(this.history.address(runId)));
  }

  async cancel(runId: string): Promise<void> {
    this.cancelling = runId;
    this.emit();
    try {
      await this.client.cancel(this.history.address(runId));
      await this.history.refresh();
    } catch (error) {
      this.cancelling = null;
      this.emit();
      throw error;
    }
  }

  async annotate(runId: string, note: NoteRequest): Promise<void> {
    await this.client.annotate(this.history.address(runId), note);
    await this.history.refresh();
  }

  async deleteRun(runId: string): Promise<void> {
    await this.client.delete(this.history.address(runId));
    await this.history.choose(null);
    await this.history.refresh();
  }

  /** What would run: of the notebook as saved, or as it is being edited. Raises ApiError. */
  async makePlan(isSaved = true): Promise<PlanAnswer> {
    const content = isSaved ? null : readContent(this.stages.panel);
    this.plan = await this.client.plan({ ...this.request({}), content });
    this.emit();
    return this.plan;
  }

  clearPlan(): void {
    this.plan = null;
    this.emit();
  }

  dispose(): void {
    if (this.disposed) {
      return;
    }
    this.disposed = true;
    this.checker.dispose();
    this.history.dispose();
    Signal.disconnectReceiver(this);
    Signal.clearData(this);
  }

  private request(options: RunOptions): StartRequest {
    return { notebook: this.stages.path, parameters: Object.fromEntries(this.parameters), ...options };
  }

  private async begin(request: () => Promise<{ readonly run_id: string }>): Promise<void> {
    this.isStarting = true;
    this.emit();
    try {
      await request();
      await this.history.choose(null);
      await this.history.refresh();
    } finally {
      this.isStarting = false;
      this.emit();
    }
    if (this.run) {
      this.startedSignal.emit(this.run);
    }
  }

  private emit(): void {
    if (!this.disposed) {
      this.changedSignal.emit();
    }
  }
}
