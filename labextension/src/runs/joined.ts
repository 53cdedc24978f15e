/** What is known of the notebooks that a `pipeline.toml` lists: their graph, their problems, the latest run. */

import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { ApiError, type Client, type RunAddress } from '../api/client';
import type { GraphAnswer, Run } from '../api/types';
import { isActive } from './state';
import { isPageDark } from '../documents/theme';

const PAUSE_MS = 700;

export class JoinedModel implements IDisposable {
  /** The picture and what is wrong; null until the server has answered. */
  graph: GraphAnswer | null = null;
  run: Run | null = null;
  error: ApiError | null = null;
  /** What is typed for the next run, by the full name of the parameter. */
  readonly typed = new Map<string, string>();
  private disposed = false;
  private readonly changedSignal = new Signal<this, void>(this);

  constructor(
    private readonly client: Client,
    private readonly context: DocumentRegistry.Context
  ) {
    context.saveState.connect(this.onSave, this);
    context.disposed.connect(() => this.dispose());
    void context.ready.then(() => this.open());
  }

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  get isRunning(): boolean {
    return isActive(this.run);
  }

  /** Where the shown run is kept; null without one. */
  get address(): RunAddress | null {
    return this.run && { root: this.root, runId: this.run.run_id };
  }

  dispose(): void {
    this.disposed = true;
    Signal.clearData(this);
  }

  /** Ask for the picture, as the files are saved and the run stands. */
  async draw(): Promise<void> {
    await this.told(async () => {
      const run_id = this.run?.run_id ?? '';
      this.graph = await this.client.graph({ notebooks: this.path, run_id, is_dark: isPageDark() });
    });
  }

  /** Say what a parameter is to be in the next run; null for what its notebook says. */
  setParameter(name: string, text: string | null): void {
    if (text === null) {
      this.typed.delete(name);
    } else {
      this.typed.set(name, text);
    }
    this.changedSignal.emit();
  }

  /** Save the list and run its notebooks. */
  async start(): Promise<void> {
    await this.told(async () => {
      if (this.context.model.dirty) {
        await this.context.save();
      }
      // A notebook may have lost a parameter since it was typed.
      const known = new Set(this.graph?.parameters.map(each => each.name));
      const parameters = Object.fromEntries([...this.typed].filter(([name]) => known.has(name)));
      const { run_id } = await this.client.start({ notebook: this.path, parameters });
      void this.follow(run_id);
    });
  }

  /** Continue the shown run with what the notebooks are now. */
  async resume(): Promise<void> {
    const { address } = this;
    await this.told(async () => {
      if (address) {
        const { run_id } = await this.client.resume(address);
        void this.follow(run_id);
      }
    });
  }

  async cancel(): Promise<void> {
    const { address } = this;
    await this.told(async () => {
      if (address) {
        await this.client.cancel(address);
      }
    });
  }

  private get path(): string {
    return this.context.path;
  }

  private get root(): string {
    return PathExt.dirname(this.path);
  }

  /** Show the latest run, if there is one, and follow it if it goes on. */
  private async open(): Promise<void> {
    await this.told(async () => {
      const { runs } = await this.client.runs(this.root, this.path);
      if (runs.length > 0) {
        void this.follow(runs[0].run_id);
      }
    });
    await this.draw();
  }

  /** Read the run until it is over, or another one is shown. */
  private async follow(runId: string): Promise<void> {
    const address = { root: this.root, runId };
    let isLast = false;
    while (!isLast && !this.disposed) {
      await this.told(async () => {
        this.run = await this.client.run(address);
      });
      isLast = this.error !== null || this.run?.run_id !== runId || !this.isRunning;
      await this.draw();
      await new Promise(resolve => setTimeout(resolve, isLast ? 0 : PAUSE_MS));
    }
  }

  private onSave(_: DocumentRegistry.Context, state: DocumentRegistry.SaveState): void {
    if (state === 'completed') {
      void this.draw();
    }
  }

  /** Do something; what the server does not do is shown where its answer would be. */
  private async told(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this.error = error;
    }
    if (!this.disposed) {
      this.changedSignal.emit();
    }
  }
}
