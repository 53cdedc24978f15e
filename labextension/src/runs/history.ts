/** The runs of one notebook, newest first, and the one that is being looked at. */

import { PathExt } from '@jupyterlab/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { ApiError, type Client, type RunAddress } from '../api/client';
import type { Run, RunChanged, RunSummary } from '../api/types';
import type { RunFeed } from './feed';
import { Latest } from './latest';
import { keepUnchanged } from './sharing';
import { isActive } from './state';

// A stage that is not in one run (a failure came first) may be in the one before.
const EARLIER_RUNS = 3;

export class RunHistory implements IDisposable {
  runs: readonly RunSummary[] | null = null;
  error: ApiError | null = null;
  /** When the server last answered; shown while it does not. */
  answeredAt: Date | null = null;
  /** The newest run, or the older one that the user chose. */
  run: Run | null = null;
  /** Some runs before that one, newest first: what stages took in them is what is to be expected. */
  earlier: readonly Run[] = [];
  private readonly known = new Map<string, Run>();
  private chosen: string | null = null;
  private disposed = false;
  private readonly changedSignal = new Signal<this, void>(this);
  private readonly endedSignal = new Signal<this, Run>(this);
  private readonly list = new Latest(() => this.fetchRuns());
  private readonly current = new Latest(() => this.fetchRun());

  constructor(
    private readonly path: () => string,
    private readonly client: Client,
    feed: RunFeed
  ) {
    feed.changed.connect(this.onChanged, this);
    feed.doubted.connect(this.onDoubted, this);
  }

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  /** A run that was seen active has come to its end. */
  get ended(): ISignal<this, Run> {
    return this.endedSignal;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  get root(): string {
    return PathExt.dirname(this.path());
  }

  address(runId: string): RunAddress {
    return { root: this.root, runId };
  }

  /** The run to look at; null follows the newest again. */
  async choose(runId: string | null): Promise<void> {
    this.chosen = runId;
    await this.current.ask();
  }

  async refresh(): Promise<void> {
    await this.list.ask();
    await this.current.ask();
  }

  dispose(): void {
    if (this.disposed) {
      return;
    }
    this.disposed = true;
    Signal.disconnectReceiver(this);
    Signal.clearData(this);
  }

  private onChanged(_: RunFeed, change: RunChanged): void {
    if (change.root !== this.root) {
      return;
    }
    const known = this.runs?.find(run => run.run_id === change.run_id);
    if (!known || known.state !== change.state || !isActive(change)) {
      void this.refresh();
    } else if (this.run?.run_id === change.run_id && this.run.seq < change.seq) {
      void this.current.ask();
    }
  }

  private onDoubted(): void {
    // A notebook that was never asked for has nothing to refresh (that of a run, say).
    if (this.answeredAt || this.error) {
      void this.refresh();
    }
  }

  private async fetchRuns(): Promise<void> {
    await this.guarded(async () => {
      this.runs = (await this.client.runs(this.root, this.path())).runs;
    });
  }

  private async fetchRun(): Promise<void> {
    const runId = this.chosen ?? this.runs?.[0]?.run_id;
    if (!runId) {
      return;
    }
    const before = this.run;
    await this.guarded(async () => {
      this.run = keepUnchanged(before, await this.client.run(this.address(runId)));
    });
    if (this.run && before?.run_id === this.run.run_id && isActive(before) && !isActive(this.run)) {
      this.endedSignal.emit(this.run);
    }
    await this.fetchEarlier();
  }

  private async fetchEarlier(): Promise<void> {
    const queued = this.run?.queued ?? 0;
    const before = (this.runs ?? []).filter(run => run.queued < queued && !isActive(run)).slice(0, EARLIER_RUNS);
    const missing = before.filter(run => !this.known.has(run.run_id));
    // One that has just been deleted is not missed.
    const found = await Promise.all(missing.map(run => this.client.run(this.address(run.run_id)).catch(() => null)));
    found.forEach(run => run && this.known.set(run.run_id, run));
    this.earlier = before.flatMap(run => this.known.get(run.run_id) ?? []);
    if (missing.length > 0 && !this.disposed) {
      this.changedSignal.emit();
    }
  }

  private async guarded(request: () => Promise<void>): Promise<void> {
    try {
      await request();
      this.error = null;
      this.answeredAt = new Date();
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, 'unreachable', String(error));
    }
    if (!this.disposed) {
      this.changedSignal.emit();
    }
  }
}
