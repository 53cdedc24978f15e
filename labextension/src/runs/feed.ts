/**
 * Invalidations from the server: which run has reached which event. Carries no state; whoever needs
 * it fetches it. The server's event stream has no replay, so listeners also refresh on a slow poll
 * and when the page becomes visible again.
 */

import type { Event } from '@jupyterlab/services';
import { Poll } from '@lumino/polling';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { RunChanged } from '../api/types';

export const RUN_EVENT = 'urn:jupyter-pipe:run';
const POLL_MS = 20_000;

export class RunFeed implements IDisposable {
  private readonly changedSignal = new Signal<this, RunChanged>(this);
  private readonly doubtSignal = new Signal<this, void>(this);
  private readonly poll: Poll;

  constructor(private readonly events: Event.IManager) {
    events.stream.connect(this.onEvent, this);
    this.poll = new Poll({
      name: 'jupyter-pipe:runs',
      auto: true,
      frequency: { interval: POLL_MS, backoff: true, max: 6 * POLL_MS },
      standby: 'when-hidden',
      factory: async () => this.doubtSignal.emit()
    });
    document.addEventListener('visibilitychange', this.onVisible);
  }

  /** A run moved on. */
  get changed(): ISignal<this, RunChanged> {
    return this.changedSignal;
  }

  /** Something may have been missed: fetch again. */
  get doubted(): ISignal<this, void> {
    return this.doubtSignal;
  }

  get isDisposed(): boolean {
    return this.poll.isDisposed;
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.poll.dispose();
    this.events.stream.disconnect(this.onEvent, this);
    document.removeEventListener('visibilitychange', this.onVisible);
    Signal.clearData(this);
  }

  private readonly onVisible = () => {
    if (document.visibilityState === 'visible') {
      this.doubtSignal.emit();
    }
  };

  private onEvent(_: unknown, emission: Event.Emission): void {
    if (emission.schema_id === RUN_EVENT) {
      this.changedSignal.emit(emission as unknown as RunChanged);
    }
  }
}
