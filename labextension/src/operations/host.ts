/** What pages ask of the application around them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { OperationsModel } from './model';

export interface PageProps<T> {
  readonly page: T;
  readonly model: OperationsModel;
  readonly host: Host;
  readonly trans: TranslationBundle;
}

export interface Host {
  openReport(runId: string): void;
  /** Do something, and say in words what went wrong. */
  reported(act: () => Promise<void>): Promise<void>;
}
