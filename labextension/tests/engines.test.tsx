import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import type { Client } from '../src/api/client';
import type { EngineChoice, Parameter, Pipeline, StageRun, SubmitRequest } from '../src/api/types';
import type { NotebookStages } from '../src/notebook/stages';
import { EngineChooser, firstUsable } from '../src/panels/engines/dialog';
import type { RunFeed } from '../src/runs/feed';
import { NotebookPipeline } from '../src/runs/pipeline';
import { detailOf } from '../src/runs/state';

const trans = nullTranslator.load('jupyter-pipe');
const ENGINES: EngineChoice[] = [
  { name: 'nightly', title: 'Apache Airflow 3', problem: 'Airflow’s folder of DAGs is not there: /dags.' },
  { name: 'cluster', title: 'SLURM', problem: '' },
  { name: 'prefect', title: 'Prefect 3', problem: 'Nobody says where Prefect’s API is.' }
];

function pipelineOf(client: Partial<Client>): NotebookPipeline {
  const signal = () => new Signal<object, void>({});
  const context = { ready: new Promise(() => {}), model: { contentChanged: signal() }, fileChanged: signal() };
  const stages = { changed: signal(), panel: { disposed: signal(), context }, path: 'homes/sales.ipynb' };
  const feed = { changed: signal(), doubted: signal() } as unknown as RunFeed;
  return new NotebookPipeline(stages as unknown as NotebookStages, client as Client, feed);
}

function shown(pipeline: NotebookPipeline, engines: readonly EngineChoice[]): string {
  const props = { pipeline, engines, chosen: firstUsable(engines), choose: () => {}, trans };
  return renderToStaticMarkup(<EngineChooser {...props} />);
}

describe('the choice of an engine', () => {
  it('offers the first that can be used, and says why others cannot', () => {
    const html = shown(pipelineOf({}), ENGINES);
    expect(html).toContain('nightly (Apache Airflow 3)<span class="jp-pipe-second">Airflow’s folder of DAGs');
    expect(html).toContain('<span>Prefect 3<span class="jp-pipe-second">Nobody says where');
    expect(html.match(/<input[^>]*disabled/g)).toHaveLength(2);
    expect(html).toMatch(/<input[^>]*value="cluster"[^>]*checked|<input[^>]*checked[^>]*value="cluster"/);
  });

  it('shows the parameters with what is typed for runs', () => {
    const pipeline = pipelineOf({});
    const parameter = { name: 'n', type: 'int', default: 1, literal: '1', choices: [], description: '' };
    pipeline.checker.pipeline = { name: 'sales', parameters: [parameter as unknown as Parameter] } as unknown as Pipeline;
    pipeline.setParameter('n', '7');
    expect(shown(pipeline, ENGINES)).toMatch(/id="jp-pipe-engine-parameter-n"[^>]*value="7"/);
    // Where nothing can be started there is nothing to fill in.
    expect(firstUsable([ENGINES[0]])).toBeNull();
    expect(shown(pipeline, [ENGINES[0]])).not.toContain('jp-pipe-engine-parameter-n');
  });
});

describe('a run elsewhere', () => {
  it('takes the notebook and the parameters with it, and is said to start at once', () => {
    const asked: SubmitRequest[] = [];
    const pipeline = pipelineOf({ submit: request => (asked.push(request), new Promise(() => {})) });
    pipeline.setParameter('n', '7');
    void pipeline.submit('nightly');
    expect(asked).toEqual([{ engine: 'nightly', notebook: 'homes/sales.ipynb', parameters: { n: '7' } }]);
    expect(pipeline.isStarting).toBe(true);
  });

  it('says what the engine says of a stage that waits', () => {
    const waiting = { state: 'queued', after: ['load'], reason: 'SLURM: PENDING (Resources)' } as unknown as StageRun;
    expect(detailOf(waiting, trans)).toBe('SLURM: PENDING (Resources)');
    expect(detailOf({ ...waiting, reason: '' }, trans)).toBe('after load');
  });
});
