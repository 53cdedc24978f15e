/** What the extension offers to others, and its own plugins to each other. Interfaces only. */

import type { NotebookPanel } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import type { Client } from './api/client';
import type { NotebookStages } from './notebook/stages';
import type { RunFeed } from './runs/feed';
import type { NotebookPipeline } from './runs/pipeline';

/** The stages of the open notebooks. Needs no server extension. */
export interface IStages {
  /** The stages of a notebook; made on first use, disposed with the notebook. */
  of(panel: NotebookPanel): NotebookStages;
  /** Those of the active notebook. */
  readonly current: NotebookStages | null;
  /** Another notebook became the active one. */
  readonly currentChanged: ISignal<IStages, NotebookStages | null>;
  /** A notebook was opened. */
  readonly added: ISignal<IStages, NotebookStages>;
  /** Those of every open notebook. */
  readonly all: readonly NotebookStages[];
}

export const IStages = new Token<IStages>('jupyter-pipe:IStages', 'The stages of the open notebooks.');

/** Compiling, checking and running the open notebooks. */
export interface IPipelines {
  readonly client: Client;
  readonly feed: RunFeed;
  of(panel: NotebookPanel): NotebookPipeline;
  readonly current: NotebookPipeline | null;
  readonly currentChanged: ISignal<IPipelines, NotebookPipeline | null>;
  readonly added: ISignal<IPipelines, NotebookPipeline>;
  /** Every pipeline of an open notebook. */
  readonly all: readonly NotebookPipeline[];
}

export const IPipelines = new Token<IPipelines>(
  'jupyter-pipe:IPipelines',
  'Compiling, checking and running the open notebooks.'
);

/** The side panel. */
export interface IPipelinePanel {
  /** Show the panel, and a stage in it. */
  reveal(stage?: string): void;
}

export const IPipelinePanel = new Token<IPipelinePanel>('jupyter-pipe:IPipelinePanel', 'The side panel.');
