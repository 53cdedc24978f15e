/** What is known of the notebooks that a `pipeline.toml` lists: their graph, their problems, their runs. */

import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { ApiError, type Client, type RunAddress } from '../api/client';
import type { EngineList, GraphAnswer, Run, Started } from '../api/types';
import { isPageDark } from '../documents/theme';
import type { RunFeed } from './feed';
import { RunHistory } from './history';
import { Latest } from './latest';
import { isActive } from './state';

const LIST = 'pipeline.toml';

export class JoinedModel implements IDisposable {
  /** The picture and what is wrong; null until the server has answered. */
  graph: GraphAnswer | null = null;
  /** What is typed for the next run, by the full name of the parameter. */
  readonly parameters = new Map<string, string>();
  readonly history: RunHistory;
  /** What the server did not do, or why there is no picture. */
  private failed: ApiError | null = null;
  private disposed = false;
  private readonly changedSignal = new Signal<this, void>(this);
  private readonly picture = new Latest(() => this.fetchGraph());

  constructor(
    private readonly client: Client,
    feed: RunFeed,
    private readonly context: DocumentRegistry.Context
  ) {
    this.history = new RunHistory(() => this.path, client, feed);
    this.history.changed.connect(this.onHistory, this);
    context.saveState.connect(this.onSave, this);
    context.disposed.connect(() => this.dispose());
    void context.ready.then(() => this.history.refresh());
  }

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** The newest run, or the one that was chosen in the list. */
  get run(): Run | null {
    return this.history.run;
  }

  get isRunning(): boolean {
    return isActive(this.run);
  }

  get error(): ApiError | null {
    return this.failed ?? this.history.error;
  }

  get name(): string {
    return this.graph?.name ?? this.path;
  }

  get pipeline(): GraphAnswer | null {
    return this.graph;
  }

  /** Where the shown run is kept; null without one. */
  get address(): RunAddress | null {
    return this.run && this.history.address(this.run.run_id);
  }

  dispose(): void {
    if (!this.disposed) {
      this.disposed = true;
      this.history.dispose();
      Signal.disconnectReceiver(this);
      Signal.clearData(this);
    }
  }

  /** Ask for the picture, as the files are saved and the run stands. */
  async draw(): Promise<void> {
    await this.picture.ask();
  }

  /** Say what a parameter is to be in the next run; null for what its notebook says. */
  setParameter(name: string, text: string | null): void {
    if (text === null) {
      this.parameters.delete(name);
    } else {
      this.parameters.set(name, text);
    }
    this.changedSignal.emit();
  }

  /** Save the list and run its notebooks. */
  async start(): Promise<void> {
    await this.begin(() => this.client.start({ notebook: this.path, parameters: this.known() }));
  }

  /** The engines that can run them, and why others cannot. Raises ApiError. */
  async engines(): Promise<EngineList> {
    return this.client.engines(this.path);
  }

  /** Save the list, and have another engine run its notebooks. */
  async submit(engine: string): Promise<void> {
    await this.begin(() => this.client.submit({ engine, notebook: this.path, parameters: this.known() }));
  }

  /** Continue the shown run with what the notebooks are now. */
  async resume(): Promise<void> {
    const { address } = this;
    if (address) {
      await this.begin(() => this.client.resume(address));
    }
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

  /** What is typed; a notebook may have lost a parameter since. */
  private known(): Record<string, string> {
    const names = new Set(this.graph?.parameters.map(each => each.name));
    return Object.fromEntries([...this.parameters].filter(([name]) => names.has(name)));
  }

  private async begin(request: () => Promise<Started>): Promise<void> {
    await this.told(async () => {
      if (this.context.model.dirty) {
        await this.context.save();
      }
      await request();
      await this.history.choose(null);
      await this.history.refresh();
    });
  }

  private onHistory(): void {
    this.changedSignal.emit();
    // It shows the states of the run.
    void this.draw();
  }

  private onSave(_: DocumentRegistry.Context, state: DocumentRegistry.SaveState): void {
    if (state === 'completed') {
      void this.draw();
    }
  }

  private async fetchGraph(): Promise<void> {
    await this.told(async () => {
      const run_id = this.run?.run_id ?? '';
      this.graph = await this.client.graph({ notebooks: this.path, run_id, is_dark: isPageDark() });
    });
  }

  /** Do something; what the server does not do is shown where its answer would be. */
  private async told(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.failed = null;
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this.failed = error;
    }
    if (!this.disposed) {
      this.changedSignal.emit();
    }
  }
}

/** The `pipeline.toml` that lists the notebook, in its folder or above; null for none. Raises ApiError for one that is wrong. */
export async function findList(client: Client, notebook: string): Promise<string | null> {
  for (let folder = notebook; folder !== ''; ) {
    folder = PathExt.dirname(folder);
    const path = PathExt.join(folder, LIST);
    const graph = await graphOf(client, path);
    if (graph?.notebooks.some(each => each.path === notebook)) {
      return path;
    }
  }
  return null;
}

async function graphOf(client: Client, notebooks: string): Promise<GraphAnswer | null> {
  try {
    return await client.graph({ notebooks, run_id: '', is_dark: false });
  } catch (error) {
    if (error instanceof ApiError && error.code === 'notebook_missing') {
      return null;
    }
    throw error;
  }
}
