import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import type { Edge, Parameter, Run, StageRun } from '../src/api/types';
import { changeInPercent, compareRuns, formatPercent, inOrderOfTime, scaleOf } from '../src/documents/comparison';
import { shortName } from '../src/panels/graph/picture';
import { fittingLayout, layoutGraph, relatives } from '../src/panels/graph/layout';
import { fitPlace, LEGIBLE_SCALE, placeIn } from '../src/panels/graph/view';
import { checkParameter } from '../src/panels/parameters/check';
import { filterRows, listRows, visibleRows } from '../src/panels/stages/rows';
import { checkSettings, findClose } from '../src/picker/validation';
import { Latest } from '../src/runs/latest';
import { detailOf, formatClock } from '../src/runs/state';
import { formatWhen } from '../src/runs/when';
import { fitHeights } from '../src/sidebar/fitting';

const trans = nullTranslator.load('jupyter-pipe');
const GATE = { event: 'gate_evaluated', stage: 'fit', expression: 'mae < 10', error: '', seq: 1, time: 0 } as const;

function stage(name: string, change: Partial<StageRun> = {}): StageRun {
  return {
    name,
    state: 'queued',
    reason: '',
    after: [],
    attempts: 1,
    cells_done: 0,
    cells_total: 0,
    cell_id: null,
    started: null,
    finished: null,
    seconds: 0,
    saved_seconds: 0,
    cached_from: null,
    failure: null,
    metrics: {},
    gates: [],
    contracts: [],
    approval: null,
    artifacts: [],
    changed: [],
    contacts: [],
    ...change
  };
}

function run(stages: StageRun[], parameters: Record<string, string> = {}): Run {
  const values = Object.entries(parameters).map(([name, literal]) => ({
    name,
    literal,
    value: literal,
    origin: 'notebook',
    default: literal,
    type: 'int'
  }));
  return { run_id: 'r', stages, facts: { parameters: values } } as unknown as Run;
}

function edge(from: string, to: string, ...names: string[]): Edge {
  return { from, to, names };
}

describe('what is said beside a state', () => {
  it.each([
    [stage('a', { after: ['x'] }), 'after x'],
    [stage('a', { after: ['x', 'y', 'z'] }), 'after 3 stages'],
    [stage('a', { state: 'running', cells_done: 6, cells_total: 12 }), 'cell 7/12'],
    [stage('a', { state: 'running', cells_done: 12, cells_total: 12 }), 'cell 12/12'],
    [stage('a', { state: 'cached', reason: 'unchanged' }), 'unchanged'],
    [stage('a', { state: 'skipped', reason: 'b failed' }), 'b failed']
  ])('%#', (given, text) => {
    expect(detailOf(given, trans)).toBe(text);
  });

  it('counts clocks from zero', () => {
    expect([formatClock(-3), formatClock(21.9)]).toEqual(['0:00', '0:21']);
  });

  it('says when', () => {
    const now = new Date(2026, 10, 20, 14, 0);
    expect(formatWhen(new Date(2026, 10, 20, 13, 58), trans, now)).toBe('Today 13:58');
    expect(formatWhen(new Date(2026, 10, 19, 18, 4), trans, now)).toBe('Yesterday 18:04');
    expect(formatWhen(new Date(2026, 10, 20, 0, 5), trans, now)).toBe('Today 00:05');
    expect(formatWhen(new Date(2026, 10, 12, 9, 30), trans, now)).toMatch(/12.* 09:30$/);
  });
});

describe('the stage list', () => {
  const names = ['load', 'tune_01', 'tune_02', 'tune_03', 'tune_04', 'tune_05', 'show'];
  const states = { tune_02: 'failed', tune_03: 'succeeded', load: 'succeeded' } as const;
  const runs = run(names.map(name => stage(name, { state: states[name as keyof typeof states] ?? 'queued' })));
  const rows = listRows(names, runs, () => false, true);

  it('folds stages that differ by a number, and shows the worst of them', () => {
    expect(rows.map(row => row.name)).toEqual(['load', 'tune_01 … 05', 'show']);
    expect(rows[1]).toMatchObject({ kind: 'group', mark: 'failed', done: 1 });
    expect(visibleRows(rows, new Set(['tune_01 … 05']))).toHaveLength(8);
  });

  it('filters by text and by state, through groups', () => {
    expect(filterRows(rows, 'TUNE', 'failed').map(row => row.name)).toEqual(['tune_02']);
  });

  it('does not fold short lists', () => {
    expect(listRows(names, null, () => false, false)).toHaveLength(7);
  });
});

describe('the graph', () => {
  const models = ['m1', 'm2', 'm3', 'm4'];
  const edges = models.flatMap(model => [edge('load', model, 'X'), edge(model, 'show', model)]);
  const stages = ['load', ...models, 'show'];

  it('places stages below what they need', () => {
    const { boxes, arcs } = layoutGraph(stages, edges, false);
    const y = new Map(boxes.map(box => [box.id, box.y]));
    expect(edges.every(({ from, to }) => (y.get(from) ?? 0) < (y.get(to) ?? 0))).toBe(true);
    expect(arcs).toHaveLength(8);
  });

  it('piles up a few parallel stages', () => {
    const { boxes, arcs } = layoutGraph(stages, edges, true);
    expect(boxes.map(box => box.id)).toEqual(stages);
    expect(new Set(boxes.map(box => box.x)).size).toBe(1);
    expect(arcs.map(arc => arc.names)).toEqual([['X'], models]);
  });

  it('condenses many parallel stages into one box', () => {
    const many = Array.from({ length: 9 }, (_, index) => `m${index}`);
    const all = many.flatMap(model => [edge('load', model, 'X'), edge(model, 'show', model)]);
    const { boxes } = layoutGraph(['load', ...many, 'show'], all, true);
    expect(boxes.map(box => box.members.length)).toEqual([1, 9, 1]);
  });

  it('leaves room for edges that go around', () => {
    const around = layoutGraph(['a', 'b', 'c', 'd'], [...'bcd'].map(to => edge('a', to)).concat(edge('b', 'd'), edge('c', 'd')), false);
    const xs = around.arcs.flatMap(arc => [...arc.path.matchAll(/(-?[\d.]+),/g)].map(found => Number(found[1])));
    expect(Math.min(...xs)).toBeGreaterThanOrEqual(8);
    expect(Math.max(...xs)).toBeLessThanOrEqual(around.width - 8);
  });

  it('wraps stages that no edge reaches', () => {
    const loose = Array.from({ length: 9 }, (_, index) => `s${index}`);
    const { boxes, width, height } = layoutGraph([...stages, ...loose], edges, false, 234);
    const rest = boxes.filter(box => loose.includes(box.id));
    expect(new Set(rest.map(box => box.y)).size).toBeGreaterThan(1);
    expect(Math.max(...rest.map(box => box.x + box.width))).toBeLessThan(width);
    expect(Math.max(...rest.map(box => box.y + box.height))).toBeLessThan(height);
    const bound = Math.max(...boxes.filter(box => !loose.includes(box.id)).map(box => box.y + box.height));
    expect(Math.min(...rest.map(box => box.y))).toBeGreaterThan(bound);
  });

  it('condenses only what could not be read', () => {
    expect(fittingLayout(stages, edges, 1200, LEGIBLE_SCALE).isCondensed).toBe(false);
    const narrow = fittingLayout(stages, edges, 234, LEGIBLE_SCALE);
    expect(narrow.isCondensed).toBe(true);
    expect(narrow.width * LEGIBLE_SCALE).toBeLessThanOrEqual(234);
  });

  it('fits the whole picture, as long as it can be read', () => {
    expect(fitPlace({ width: 100, height: 400 }, { width: 400, height: 400 })).toEqual({ x: -150, y: 0, scale: 1 });
    const large = fitPlace({ width: 4000, height: 4000 }, { width: 400, height: 400 });
    expect(large.scale).toBe(LEGIBLE_SCALE);
    expect(large.y).toBe(0);
  });

  it('keeps a chosen place in its own picture and frame, and nowhere else', () => {
    const picture = { width: 100, height: 400 };
    const frame = { width: 400, height: 400 };
    const moved = { picture, frame, place: { x: 7, y: 7, scale: 2 } };
    expect(placeIn(picture, { ...frame }, moved)).toBe(moved.place);
    expect(placeIn({ ...picture }, frame, moved)).toEqual(fitPlace(picture, frame));
    expect(placeIn(picture, { width: 300, height: 400 }, moved)).toEqual(fitPlace(picture, { width: 300, height: 400 }));
    expect(placeIn(picture, frame, null)).toEqual(fitPlace(picture, frame));
  });

  it.each([
    ['clean_up', 'clean_up'],
    ['customer_lifetime', 'custo…time'],
    ['customer_lifelong', 'custo…long']
  ])('cuts %s in the middle', (name, short) => {
    expect(shortName(name, 10)).toBe(short);
  });

  it('knows what is upstream and downstream', () => {
    expect([...relatives('m1', edges)].sort()).toEqual(['load', 'm1', 'show']);
  });
});

describe('validation', () => {
  const settings = { after: [], metrics: [], gates: [], options: {} };

  it('finds the variable that was meant', () => {
    const problems = checkSettings({ ...settings, gates: ['oob_maee < 40_000'] }, ['oob_mae', 'x'], trans);
    expect(problems.gates).toBe('No variable “oob_maee” in this stage. Did you mean oob_mae?');
    expect(findClose('zzz', ['oob_mae'])).toBeNull();
  });

  it.each(['mae < 25_000', 'd["k e y"] > 0 and len(d) > 1', 'model.score > 0.5', 'abs(mae) < 1e3'])('admits %s', gate => {
    expect(checkSettings({ ...settings, gates: [gate] }, ['mae', 'd', 'model'], trans)).toEqual({});
  });

  it.each([
    ['timeout', '1h30m', true],
    ['timeout', 'soon', false],
    ['memory', '4GiB', true],
    ['memory', 'lots', false],
    ['cpus', '0.5', true],
    ['cpus', '0', false],
    ['retries', '-1', false]
  ] as const)('%s: %s', (name, value, isValid) => {
    const problems = checkSettings({ ...settings, options: { [name]: value } }, [], trans);
    expect(problems[name] === undefined).toBe(isValid);
  });

  it.each([
    ['int', '1_000', true],
    ['int', 'ten', false],
    ['float', '1e-3', true],
    ['float | None', 'None', true],
    ['bool', 'yes', false],
    ['list', '[1, 2]', true],
    ['str', 'anything', true]
  ])('a parameter of type %s and the text %s', (type, text, isValid) => {
    expect(checkParameter({ type } as Parameter, text, trans) === '').toBe(isValid);
  });
});

describe('comparison', () => {
  it.each([
    [-100, '100'],
    [1234.5, '1235'],
    [9.96, '10'],
    [-0.345, '0.34']
  ])('writes %d %% as %s', (change, text) => {
    expect(formatPercent(change)).toBe(text);
  });

  it('shows what differs from the first run', () => {
    const one = run([stage('fit', { seconds: 2, metrics: { mae: 10 } })], { n: '1' });
    const two = run([stage('fit', { seconds: 2, metrics: { mae: 12 } })], { n: '2' });
    const { parameters, metrics, durations } = compareRuns([one, two]);
    expect(parameters).toEqual([{ name: 'n', values: ['1', '2'], differs: true }]);
    expect(metrics[0].values).toEqual([10, 12]);
    expect(durations[0].differs).toBe(false);
    expect(changeInPercent(10, 12)).toBe(20);
    expect(changeInPercent(0, 12)).toBeNull();
  });

  it('measures against what came before', () => {
    const older = { ...run([stage('fit')], {}), queued: 1 };
    const newer = { ...run([stage('fit')], {}), queued: 2 };
    expect(inOrderOfTime([newer, older])).toEqual([older, newer]);
  });

  it('draws the bars of all rows on one scale', () => {
    const one = run([stage('load', { seconds: 1 }), stage('fit', { seconds: 40 })], {});
    const two = run([stage('load', { seconds: 2, state: 'cached' }), stage('fit', { seconds: 20 })], {});
    expect(scaleOf(compareRuns([one, two]).durations)).toBe(40);
  });

  it('compares gates', () => {
    const gate = (passed: boolean, mae: string) =>
      run([stage('fit', { gates: [{ ...GATE, passed, values: { mae } }] })], {});
    const { gates } = compareRuns([gate(true, '9'), gate(false, '12')]);
    expect(gates).toEqual([{ name: 'mae < 10', values: ['passed (mae = 9)', 'false (mae = 12)'], differs: true }]);
  });
});

describe('the heights of sections', () => {
  it.each([
    [[100, 50, 30], 400, [320, 50, 30]],
    [[1000, 50, 30], 400, [320, 50, 30]],
    [[300, 300, 30], 400, [185, 185, 30]],
    [[300, null, 30], 400, [370, 0, 30]],
    [[0, 0], 100, [28, 72]]
  ])('%j in %d pixels', (wanted, room, heights) => {
    expect(fitHeights(wanted, room)).toEqual(heights);
  });
});

describe('Latest', () => {
  it('asks once more for all that came while it was busy', async () => {
    const release: (() => void)[] = [];
    let asked = 0;
    const latest = new Latest(() => {
      asked += 1;
      return new Promise(resolve => release.push(resolve));
    });
    const done = [latest.ask(), latest.ask(), latest.ask()];
    release[0]();
    await Promise.resolve();
    await Promise.resolve();
    release[1]();
    await Promise.all(done);
    expect(asked).toBe(2);
  });
});
