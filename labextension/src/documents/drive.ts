/**
 * The read-only drive `jupyter-pipe:` of executed notebooks: `FOLDER/RUN_ID/STAGE.ipynb`.
 *
 * A Jupyter server shows no hidden folders, and runs live in one; what ran must not be edited either.
 */

import { PathExt } from '@jupyterlab/coreutils';
import type { Contents, ServerConnection } from '@jupyterlab/services';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client, RunAddress } from '../api/client';
import { DRIVE_NAME } from '../notebook/stages';

/** The drive's path of a stage's executed notebook. */
export function executedPath(run: RunAddress, stage: string): string {
  return `${DRIVE_NAME}:${[run.root, run.runId, `${stage}.ipynb`].filter(Boolean).join('/')}`;
}

/** The source of the user's cells in an executed notebook, an empty line between them. */
export function codeOf(executed: unknown): string {
  return userCells(executed)
    .map(cell => (typeof cell.source === 'string' ? cell.source : cell.source.join('')))
    .join('\n\n');
}

/** The user's code cells of an executed notebook: not those of the compiler. */
export function userCells(executed: unknown): ExecutedCell[] {
  const { cells = [] } = executed as { cells?: readonly ExecutedCell[] };
  return cells.filter(cell => cell.cell_type === 'code' && (cell.metadata?.jupyter_pipe?.role ?? 'cell') === 'cell');
}

export interface ExecutedCell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly outputs?: readonly {
    readonly output_type?: string;
    readonly text?: unknown;
    readonly ename?: unknown;
    readonly evalue?: unknown;
    readonly data?: Readonly<Record<string, unknown>>;
  }[];
  readonly metadata?: { readonly jupyter_pipe?: { readonly role?: string } };
}

export class RunDrive implements Contents.IDrive {
  readonly name = DRIVE_NAME;
  private disposed = false;
  private readonly fileChangedSignal = new Signal<this, Contents.IChangedArgs>(this);

  constructor(
    private readonly client: Client,
    readonly serverSettings: ServerConnection.ISettings
  ) {}

  get fileChanged(): ISignal<this, Contents.IChangedArgs> {
    return this.fileChangedSignal;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  dispose(): void {
    this.disposed = true;
    Signal.clearData(this);
  }

  async get(localPath: string, options?: Contents.IFetchOptions): Promise<Contents.IModel> {
    if (!localPath.endsWith('.ipynb')) {
      return { ...describe(localPath, 'directory'), content: [] };
    }
    const model = describe(localPath, 'notebook');
    if (options?.content === false) {
      return model;
    }
    const runFolder = PathExt.dirname(localPath);
    const run = { root: PathExt.dirname(runFolder), runId: PathExt.basename(runFolder) };
    return { ...model, content: await this.client.executedNotebook(run, PathExt.basename(localPath, '.ipynb')) };
  }

  async getDownloadUrl(): Promise<string> {
    throw refusal();
  }

  async newUntitled(): Promise<Contents.IModel> {
    throw refusal();
  }

  async delete(): Promise<void> {
    throw refusal();
  }

  async rename(): Promise<Contents.IModel> {
    throw refusal();
  }

  async save(): Promise<Contents.IModel> {
    throw refusal();
  }

  async copy(): Promise<Contents.IModel> {
    throw refusal();
  }

  async createCheckpoint(): Promise<Contents.ICheckpointModel> {
    throw refusal();
  }

  async listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return [];
  }

  async restoreCheckpoint(): Promise<void> {
    throw refusal();
  }

  async deleteCheckpoint(): Promise<void> {
    throw refusal();
  }
}

function describe(path: string, type: 'directory' | 'notebook'): Contents.IModel {
  return {
    name: PathExt.basename(path),
    path,
    type,
    writable: false,
    created: '',
    last_modified: '',
    mimetype: '',
    content: null,
    format: type === 'notebook' ? 'json' : null
  };
}

function refusal(): Error {
  return new Error('What a run has executed is read-only.');
}
