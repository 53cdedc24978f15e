import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { describe, expect, it } from 'vitest';
import { ApiError, type Client } from '../src/api/client';
import type { Run } from '../src/api/types';
import type { NotebookStages } from '../src/notebook/stages';
import type { RunFeed } from '../src/runs/feed';
import { NotebookPipeline } from '../src/runs/pipeline';
import { explainError } from '../src/runs/trouble';

const trans = nullTranslator.load('jupyter-pipe');

/** An open notebook of which nothing is ever edited. */
function notebook(): NotebookStages {
  const signal = () => new Signal<object, void>({});
  const context = { ready: new Promise(() => {}), model: { contentChanged: signal() }, fileChanged: signal() };
  return { changed: signal(), panel: { disposed: signal(), context }, path: 'homes/sales.ipynb' } as unknown as NotebookStages;
}

function pipelineOf(client: Partial<Client>): NotebookPipeline {
  const feed = { changed: new Signal<object, void>({}), doubted: new Signal<object, void>({}) } as unknown as RunFeed;
  const pipeline = new NotebookPipeline(notebook(), client as Client, feed);
  pipeline.history.run = { run_id: 'r1', state: 'running', stages: [] } as unknown as Run;
  return pipeline;
}

describe('cancelling', () => {
  it('is said at once, long before the kernel has ended', () => {
    const pipeline = pipelineOf({ cancel: () => new Promise(() => {}) });
    const seen: boolean[] = [];
    pipeline.changed.connect(() => seen.push(pipeline.isCancelling));
    void pipeline.cancel('r1');
    expect([pipeline.isCancelling, seen]).toEqual([true, [true]]);
  });

  it('is taken back where the server refuses', async () => {
    const refused = new ApiError(404, 'run_unknown', 'There is no such run.');
    const pipeline = pipelineOf({ cancel: () => Promise.reject(refused) });
    await expect(pipeline.cancel('r1')).rejects.toBe(refused);
    expect(pipeline.isCancelling).toBe(false);
  });

  it('says nothing of another run', () => {
    const pipeline = pipelineOf({ cancel: () => new Promise(() => {}) });
    void pipeline.cancel('r0');
    expect(pipeline.isCancelling).toBe(false);
  });
});

describe('what is said of an error', () => {
  it('leads out of a folder in which nobody may write', () => {
    const error = new ApiError(400, 'root_unwritable', 'Cannot keep runs in homes.', 'Choose another folder.');
    expect(explainError(error, trans)).toEqual({ text: 'Cannot keep runs in homes. Choose another folder.', needsAnotherPlace: true });
  });

  it('names the extension that is missing', () => {
    const { text, needsAnotherPlace } = explainError(new ApiError(404, 'no_body', ''), trans);
    expect([text.includes('server extension'), needsAnotherPlace]).toEqual([true, false]);
  });
});
