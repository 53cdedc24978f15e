import { nullTranslator } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { ApiError, type Client } from '../src/api/client';
import type {
  ColumnShown,
  LabelsPage,
  LoopLine,
  MonitoringPage,
  QuestionShown,
  StudyShown,
  Trial,
  VersionShown,
  WaitingPage,
  WatchedShown
} from '../src/api/types';
import { SideBySide } from '../src/operations/decision';
import { OperationsView } from '../src/operations/document';
import type { Host } from '../src/operations/host';
import { countWaiting, OperationsModel, PAGE_NAMES, type PageName } from '../src/operations/model';
import { newsOf } from '../src/operations/news';
import { coarser, formatLatency, formatNumber, formatShare, scaled } from '../src/operations/numbers';
import { driftOf, rangeOf } from '../src/operations/pages/data';
import { LabelsBody } from '../src/operations/pages/labels';
import { markOf } from '../src/operations/pages/loop';
import { championOf, metricsOf, previousOf } from '../src/operations/pages/models';
import { MonitoringBody } from '../src/operations/pages/monitoring';
import { safeAddress } from '../src/operations/pages/service';
import { dotsOf, summaryOf } from '../src/operations/pages/studies';

const trans = nullTranslator.load('jupyter-pipe');
const SUBJECT = { root: 'homes', notebook: 'homes/sales.ipynb', name: 'sales' };
const host: Host = { openReport: () => {}, reported: act => act() };

function question(stage: string, state: QuestionShown['state'] = 'waiting'): QuestionShown {
  return { run_id: 'r1', pipeline: 'sales', stage, question: 'Good?', asked: 0, state, by: 'ann', note: '', metrics: { mae: 3 } };
}

function version(number: number, aliases: string[], metrics: VersionShown['metrics'] = {}): VersionShown {
  return {
    ...{ number, aliases, metrics, registered: 0, run_id: `r${number}`, rejected: '', verdict: '', gates: {}, proofs: {} },
    ...{ parameters: {}, files: {}, commit: '', notebook: '', problem: '' }
  };
}

const WAITING: WaitingPage = {
  questions: [question('fit'), question('check', 'approved')],
  versions: [{ name: 'sales', number: 2, registered: 0, reason: '' }],
  problem: ''
};

/** A server that tells the same empty pages again and again, but for those that are given. */
function client(pages: Partial<Record<PageName, unknown>>): Client {
  const page = (name: PageName) =>
    name in pages ? Promise.resolve(pages[name]) : Promise.reject(new ApiError(503, 'operations_slow', 'The registry is slow.'));
  return { page, documentation: (name: string) => `/docs/${name}` } as unknown as Client;
}

describe('the model of the tab', () => {
  it('counts what waits on whatever page somebody is', async () => {
    const model = new OperationsModel(SUBJECT, client({ waiting: WAITING, loop: { exists: false } }));
    model.show('loop');
    await model.refresh();
    expect([model.page, model.waiting]).toEqual(['loop', 2]);
  });

  it('keeps a page that cannot be told again, and says why', async () => {
    const pages: Partial<Record<PageName, unknown>> = { waiting: WAITING };
    const model = new OperationsModel(SUBJECT, client(pages));
    await model.refresh();
    delete pages.waiting;
    await model.refresh();
    expect(model.pages.waiting).toBe(WAITING);
    expect(model.errors.waiting?.message).toBe('The registry is slow.');
    pages.waiting = WAITING;
    await model.refresh();
    expect(model.errors.waiting).toBeUndefined();
  });

  it('lets a page rest that takes long, unless somebody asks', async () => {
    const asked: PageName[] = [];
    const page = (name: PageName) => {
      asked.push(name);
      return Promise.resolve(name === 'waiting' ? WAITING : { since: 0, services: [], problem: '' });
    };
    const model = new OperationsModel(SUBJECT, { page } as unknown as Client);
    model.page = 'monitoring';
    await model.follow();
    await model.follow(Date.now() + 10_000);
    expect(asked).toEqual(['monitoring', 'waiting', 'waiting']);
    await model.follow(Date.now() + 70_000);
    await model.refresh();
    expect(asked.filter(name => name === 'monitoring')).toHaveLength(3);
  });

  it('is free again after a decision that failed', async () => {
    const decide = () => Promise.reject(new ApiError(404, 'model_unknown', 'There is no model.'));
    const model = new OperationsModel(SUBJECT, { ...client({ waiting: WAITING }), decide } as unknown as Client);
    await expect(model.decideVersion({ decision: 'rollback', name: 'sales' })).rejects.toThrow('There is no model.');
    expect(model.isDeciding).toBe(false);
  });
});

describe('what the tab shows', () => {
  const EMPTY: Readonly<Record<PageName, unknown>> = {
    waiting: { questions: [], versions: [], problem: '' },
    models: { registry: '', models: [], problem: '' },
    data: { run_id: '', finished: null, values: [], problem: '' },
    studies: { studies: [], problem: '' },
    service: { since: 0, services: [], problem: '' },
    monitoring: { since: 0, services: [], problem: '' },
    labels: { queues: [], problem: '' },
    loop: { exists: false, file: 'sales.loop.yaml', lines: [], watches: [], waiting: [], problem: '' }
  };
  const draw = async (page: PageName, pages: Partial<Record<PageName, unknown>>) => {
    const model = new OperationsModel(SUBJECT, client(pages));
    model.page = page;
    await model.refresh();
    const drawn = document.createElement('div');
    drawn.innerHTML = renderToStaticMarkup(<OperationsView {...{ model, host, trans }} />);
    return drawn;
  };

  it.each(PAGE_NAMES)('teaches with a command what fills the empty page %s', async page => {
    const drawn = await draw(page, EMPTY);
    const commands = [...drawn.querySelectorAll('.jp-pipe-Ops-teach code')].map(code => code.textContent ?? '');
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.every(text => text.startsWith('jupyter pipe ') || text.startsWith('approve:'))).toBe(true);
  });

  it('has one tab that is chosen, and that alone is in the order of focus', async () => {
    const tabs = [...(await draw('data', EMPTY)).querySelectorAll<HTMLElement>('[role=tab]')];
    expect(tabs.filter(tab => tab.getAttribute('aria-selected') === 'true').map(tab => tab.dataset.page)).toEqual(['data']);
    expect(tabs.filter(tab => tab.tabIndex === 0).map(tab => tab.dataset.page)).toEqual(['data']);
  });

  it('has one primary button, of the first question that waits', async () => {
    const waiting = { ...WAITING, questions: [question('check', 'approved'), question('fit'), question('sum')] };
    const drawn = await draw('waiting', { waiting });
    const primary = [...drawn.querySelectorAll('.jp-mod-primary')];
    expect(primary.map(button => button.closest('section')?.getAttribute('aria-label'))).toEqual(['fit of run r1']);
    expect(drawn.textContent).toContain('approved by ann; the run can go on');
  });

  it('says why a page could not be loaded, in an alert with a way on', async () => {
    const drawn = await draw('models', {});
    expect(drawn.querySelector('[role=alert]')?.textContent).toContain('The registry is slow.');
    expect(drawn.querySelector('[role=alert] button')?.textContent).toBe('Try again');
  });

  it('shows the metrics of two versions side by side before one takes the place of the other', () => {
    const [before, after] = [version(1, ['champion'], { mae: 20, r2: 0.5 }), version(2, [], { mae: 10, rows: 5 })];
    const drawn = document.createElement('div');
    drawn.innerHTML = renderToStaticMarkup(<SideBySide {...{ text: 'Sure?', before, after, trans }} />);
    const rows = [...drawn.querySelectorAll('tbody tr')].map(row => [...row.children].map(cell => cell.textContent?.trim()));
    expect(rows).toEqual([
      ['mae', '20', '10 ▼ 50 %'],
      ['r2', '0.5', '–'],
      ['rows', '–', '5']
    ]);
  });
});

describe('monitoring and labels', () => {
  const watched: WatchedShown = {
    ...{ name: 'sales', state: 'alarm', problem: '', every: 12 },
    versions: [
      { version: '3', run_id: 'r3', state: 'alarm', rows: 900, alarms: ["'area' moved"], ignored: { week: 'a key' }, missing: '' }
    ],
    moments: [0, 3600, 7200].map(since => ({ since, version: '3', rows: 300, middle: 5 })),
    series: [{ name: 'area', indices: [0.05, null, 0.6], moved: [false, false, true] }]
  };
  const drawn = (body: ReactElement) => {
    const element = document.createElement('div');
    element.innerHTML = renderToStaticMarkup(body);
    return element;
  };
  const model = { subject: SUBJECT, isDeciding: false } as unknown as OperationsModel;

  it('draws each column over time, and what moved stands out', () => {
    const page: MonitoringPage = { since: 0, services: [watched], problem: '' };
    const found = drawn(<MonitoringBody {...{ page, model, host, trans }} />);
    const labels = [...found.querySelectorAll('svg')].map(svg => svg.getAttribute('aria-label'));
    expect(labels).toContain('area over time: from 0.05 to 0.6, now 0.6');
    const area = [...found.querySelectorAll('.jp-pipe-Ops-course')].find(each => each.textContent?.startsWith('area'));
    expect([...(area?.querySelectorAll('circle') ?? [])].map(circle => circle.getAttribute('data-marked'))).toEqual(['false', 'true']);
    expect(found.textContent).toContain("'area' moved");
    expect(found.textContent).toContain('Left out: week (a key)');
    expect(found.textContent).toContain('1 of 12 was looked at');
  });

  it('shows one row at a time, with what the model suggests first in line', () => {
    const task = { id: 't1', data: { text: 'an invoice' }, suggested: 'billing', label: '' };
    const queue = { name: 'queue', answers: 'queue.answers.jsonl', choices: ['network', 'billing'], total: 3, labelled: 1 };
    const page: LabelsPage = { queues: [{ ...queue, tasks: [task], recent: [{ ...task, id: 't0', label: 'network' }] }], problem: '' };
    const found = drawn(<LabelsBody {...{ page, model, host, trans }} />);
    expect(found.querySelector('dd')?.textContent).toBe('an invoice');
    expect([...found.querySelectorAll('.jp-pipe-Actions button')].map(button => button.textContent)).toEqual(['network', 'billing']);
    expect(found.querySelector('.jp-mod-primary')?.textContent).toBe('billing');
    expect(found.textContent).toContain('1 of 3 labelled by you');
  });
});

describe('news of what waits', () => {
  it('tells each thing once', () => {
    const told = new Set<string>();
    expect(countWaiting(WAITING)).toBe(2);
    expect(newsOf(WAITING, told, trans)).toMatch(/^2 things wait for you. The first: sales is waiting for you at fit/);
    expect(newsOf(WAITING, told, trans)).toBeNull();
    const more = { ...WAITING, versions: [{ name: 'sales', number: 3, registered: 0, reason: '' }] };
    expect(newsOf(more, told, trans)).toBe('sales@3 waits for you: promote it, or leave it');
  });
});

describe('words and numbers', () => {
  it.each([
    [formatNumber(15284.4), '15,284'],
    [formatNumber(0.95712), '0.9571'],
    [formatNumber(3), '3'],
    [formatNumber(null), '–'],
    [formatNumber(Number.NaN), '–'],
    [formatShare(0), '0 %'],
    [formatShare(0.0061), '0.61 %'],
    [formatShare(0.123), '12 %'],
    [formatLatency(0.00081), '0.81 ms'],
    [formatLatency(0.024), '24 ms'],
    [formatLatency(1.23), '1.2 s']
  ])('%s', (found, expected) => {
    expect(found).toBe(expected);
  });

  it('adds neighbours of a histogram up, and loses none', () => {
    const sums = coarser(Array.from({ length: 64 }, (_, index) => index), 32);
    expect([sums.length, sums.reduce((sum, count) => sum + count, 0)]).toEqual([32, 2016]);
    expect(coarser([1, 2, 3], 32)).toEqual([1, 2, 3]);
    expect(coarser([], 32)).toEqual([]);
  });

  it('places equal values in the middle', () => {
    expect([scaled([5, 5])(5), scaled([0, 10])(10), scaled([0, 10])(0)]).toEqual([0.5, 1, 0]);
  });

  it('knows which version answers, and where rolling back goes', () => {
    const shown = { name: 'm', metric: '', versions: [version(3, ['challenger']), version(2, ['champion'], { mae: 1, kind: 'a' }), version(1, ['previous'])] };
    expect([championOf(shown)?.number, previousOf(shown)?.number, metricsOf(shown)]).toEqual([2, 1, ['mae']]);
  });

  it('tells a column’s range by its type', () => {
    const column = { type: 'float', low: 1, middle: 2, high: 3, distinct: 3, drift: 0.031, limit: 0.5 } as ColumnShown;
    expect(rangeOf(column, trans)).toBe('1 to 3, middle 2');
    expect(rangeOf({ ...column, type: 'datetime', low: 0, middle: 86_400, high: 172_800 }, trans)).toBe('1970-01-01 to 1970-01-03, middle 1970-01-02');
    expect(rangeOf({ ...column, low: null }, trans)).toBe('3 different values');
    expect([driftOf(column), driftOf({ ...column, limit: null }), driftOf({ ...column, drift: null })]).toEqual(['0.03 / 0.5', '0.03', '–']);
  });

  it('sums up a study, and leaves trials without a value out of its plot', () => {
    const trial = (number: number, state: Trial['state'], value: number | null): Trial => ({
      ...{ number, state, value, values: { n: number }, run_id: `r${number}`, metrics: {}, steps: [], seconds: 1, reason: '' }
    });
    const trials = [trial(0, 'succeeded', 3), trial(1, 'failed', null), trial(2, 'infeasible', 0.5)];
    const study = { trials, best: 0, wanted: 5, metric: 'mae', space: [] } as unknown as StudyShown;
    expect(summaryOf(study, trans)).toBe(
      '3 trials of 5: 1 succeeded, 1 failed, 1 infeasible, a gate is false. Best mae 3, in trial 0 with n = 0.'
    );
    expect(dotsOf(study, each => each.number).map(dot => [dot.x, dot.y, dot.isBest])).toEqual([
      [0, 3, true],
      [2, 0.5, false]
    ]);
    expect(summaryOf({ ...study, best: null }, trans)).toContain('None has succeeded.');
  });

  it.each([
    ['run_ended', 'run r1 succeeded', 'succeeded'],
    ['run_ended', 'run r1 refused the data, nothing was trained', 'contract_failed'],
    ['run_ended', 'run r1 waits for you', 'waiting'],
    ['run_ended', 'run r1 failed', 'failed'],
    ['held', 'nothing starts', 'skipped'],
    ['began', 'the loop begins', 'queued']
  ])('marks %s: %s', (kind, text, mark) => {
    expect(markOf({ kind, text, time: 0, run_id: '' } as LoopLine)).toBe(mark);
  });

  it('links to services alone', () => {
    expect(safeAddress('http://127.0.0.1:8000')).toBe('http://127.0.0.1:8000');
    expect(safeAddress('http://[::1]:8000')).toBe('http://[::1]:8000');
    expect(['javascript:alert(1)', 'http://a/b', 'http://user@evil'].map(safeAddress)).toEqual([undefined, undefined, undefined]);
  });
});
