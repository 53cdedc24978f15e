/** The values that one stage of a run left, and what is known of the one that is looked at. */

import { Signal, type ISignal } from '@lumino/signaling';
import { ApiError, type Client, type RunAddress } from '../api/client';
import type { KnownValue, LoadedValue } from '../api/types';

export interface ValuesSubject {
  readonly run: RunAddress;
  readonly stage: string;
  /** The value to look at first; null for the first one. */
  readonly first: string | null;
}

export class ValuesModel {
  /** What records say; null until the server has answered. */
  known: readonly KnownValue[] | null = null;
  error: ApiError | null = null;
  chosen: string | null = null;
  private readonly loaded = new Map<string, LoadedValue | ApiError>();
  private readonly changedSignal = new Signal<this, void>(this);

  constructor(
    readonly subject: ValuesSubject,
    private readonly client: Client
  ) {}

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  /** Ask what is there, and load the first value. */
  async read(): Promise<void> {
    const { run, stage, first } = this.subject;
    try {
      this.known = (await this.client.values(run, stage)).values;
      this.error = null;
    } catch (error) {
      this.error = asApiError(error);
    }
    this.changedSignal.emit();
    const value = this.known?.find(each => each.name === first) ?? this.known?.[0];
    if (value) {
      await this.choose(value.name);
    }
  }

  /** Look at a value. It is loaded once; who comes back sees what was loaded then. */
  async choose(name: string): Promise<void> {
    this.chosen = name;
    this.changedSignal.emit();
    if (this.loaded.get(name) === undefined) {
      await this.load(name);
    }
  }

  /** Load a value, again if that has failed. */
  async load(name: string): Promise<void> {
    const { run, stage } = this.subject;
    this.loaded.delete(name);
    this.changedSignal.emit();
    try {
      this.loaded.set(name, await this.client.preview(run, stage, name));
    } catch (error) {
      this.loaded.set(name, asApiError(error));
    }
    this.changedSignal.emit();
  }

  get value(): KnownValue | null {
    return this.known?.find(value => value.name === this.chosen) ?? null;
  }

  /** The chosen value, or why it could not be loaded; null while it is being loaded. */
  get preview(): LoadedValue | ApiError | null {
    return (this.chosen !== null && this.loaded.get(this.chosen)) || null;
  }
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) {
    return error;
  }
  throw error;
}
