import { CommandRegistry } from '@lumino/commands';
import type { Cell } from '@jupyterlab/cells';
import { nullTranslator } from '@jupyterlab/translation';
import { PanelLayout, Widget } from '@lumino/widgets';
import { describe, expect, it } from 'vitest';
import type { Run, RunSummary } from '../src/api/types';
import { addBelow } from '../src/cells/below';
import { rangeOf } from '../src/cells/problems';
import { trendsOf } from '../src/documents/comparison';
import { comparisonCsv } from '../src/documents/csv';
import { codeOf } from '../src/documents/drive';
import { diffLines } from '../src/documents/lines';
import { placePoints } from '../src/documents/trend';
import { searchRuns } from '../src/panels/runs/search';
import { titleOf } from '../src/panels/runs/words';
import { ownKeys } from '../src/plugins/helping';
import { stepOf } from '../src/sidebar/tour';

const trans = nullTranslator.load('jupyter-pipe');

function summary(change: Partial<RunSummary> = {}): RunSummary {
  return {
    run_id: 'r1', pipeline: 'home', state: 'succeeded', trigger: 'cli', queued: 1, seconds: 2, stages_done: 1,
    stages_total: 1, notebook: 'home.ipynb', seq: 1, started: 1, finished: 3, failed_stage: null, resumed_from: null,
    parameters: {}, metrics: {}, name: '', note: '', pinned: false, ...change
  };
}

function run(id: string, queued: number, parameters: Record<string, string>, metric: number): Run {
  const stage = { name: 'fit', state: 'succeeded', metrics: { mae: metric }, gates: [], seconds: 2 };
  const values = Object.entries(parameters).map(([name, literal]) => ({ name, literal }));
  return { run_id: id, state: 'succeeded', queued, seconds: 2, stages: [stage], facts: { parameters: values } } as unknown as Run;
}

describe('where a problem is marked', () => {
  const text = 'x_train = 1\n  print(x_trian)\n';
  it.each([
    [2, 9, 'x_trian'],
    [2, null, 'print(x_trian)'],
    [null, null, 'x_train = 1'],
    [2, 8, '('],
    [2, 99, 'print(x_trian)'],
    [99, 1, '']
  ])('line %s, column %s', (line, column, marked) => {
    const [from, to] = rangeOf(text, line, column);
    expect(text.slice(from, to)).toBe(marked);
    expect(to).toBeLessThanOrEqual(text.length + 1);
  });
});

describe('a history is searched', () => {
  const runs = [
    summary({ run_id: 'a', metrics: { mae: 12.5 } }),
    summary({ run_id: 'b', state: 'failed', failed_stage: 'train' }),
    summary({ run_id: 'c', name: 'With new prices', pinned: true }),
    summary({ run_id: 'd', note: 'outlier removed', parameters: { weeks: '8' } })
  ];
  it.each([
    ['', 'cabd'],
    ['prices', 'c'],
    ['FAILED train', 'b'],
    ['weeks=8', 'd'],
    ['outlier', 'd'],
    ['mae 12.5', 'a'],
    ['nobody', '']
  ])('%j', (text, found) => {
    expect(searchRuns(runs, text, trans).map(each => each.run_id).join('')).toBe(found);
  });

  it('shows the name that somebody gave', () => {
    expect([titleOf(runs[2], trans), titleOf(summary({ state: 'running' }), trans)]).toEqual(['With new prices', 'Now']);
  });

  it('searches 2,000 runs', () => {
    const many = Array.from({ length: 2000 }, (_, index) => summary({ run_id: `run-${index}`, metrics: { mae: index } }));
    expect(searchRuns(many, 'run-1999', trans)).toHaveLength(1);
    expect(searchRuns(many, 'mae', trans)).toHaveLength(2000);
  });
});

describe('a comparison', () => {
  it('is exported with every value, quoted where it must be, and without formulas', () => {
    const runs = [run('one', 0, { title: "'a, \"b\"'", cell: '=1+1', low: '-3' }, 1.5), run('two', 60, { title: "'c'", cell: 'x', low: '-4' }, 2)];
    const lines = comparisonCsv(runs).split('\r\n');
    expect(lines[0]).toBe('kind,name,one,two');
    expect(lines).toContain('metric,mae,1.5,2');
    expect(lines).toContain(`parameter,title,"'a, ""b""'",'c'`);
    expect(lines).toContain("parameter,cell,'=1+1,x");
    expect(lines).toContain('parameter,low,-3,-4');
    expect(lines).toContain('run,started,1970-01-01T00:00:00.000Z,1970-01-01T00:01:00.000Z');
  });

  it('shows what changed in the code with the lines around it', () => {
    const before = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].join('\n');
    const after = ['a', 'b', 'c', 'd', 'E', 'f', 'g'].join('\n');
    const shown = diffLines(before, after, 1).map(({ kind, text }) => `${kind} ${text}`);
    expect(shown).toEqual(['gap ⋯', 'same d', 'removed e', 'added E', 'same f', 'gap ⋯']);
    expect(diffLines('a', 'a')).toEqual([{ kind: 'gap', text: '⋯' }]);
    expect(diffLines('', 'x').map(line => line.kind)).toEqual(['removed', 'added']);
  });

  it('takes the user\'s cells of an executed notebook', () => {
    const cells = [
      { cell_type: 'code', source: 'import x', metadata: { jupyter_pipe: { role: 'replay' } } },
      { cell_type: 'markdown', source: '# text' },
      { cell_type: 'code', source: ['a = 1\n', 'b = 2'], metadata: {} },
      { cell_type: 'code', source: 'c', metadata: { jupyter_pipe: { role: 'cell' } } }
    ];
    expect(codeOf({ cells })).toBe('a = 1\nb = 2\n\nc');
  });

  it('draws metrics that are numbers in two runs or more, oldest first', () => {
    const history = [
      summary({ run_id: 'new', queued: 2, metrics: { mae: 3, once: 1, word: 'x' } }),
      summary({ run_id: 'old', queued: 1, metrics: { mae: 5, word: 'y' } })
    ];
    const series = trendsOf(history, each => each.run_id);
    expect(series.map(([name, points]) => [name, points.map(point => point.value)])).toEqual([['mae', [5, 3]]]);
    const [first, last] = placePoints([5, 3]);
    expect(first.y).toBeLessThan(last.y);
    expect(placePoints([2, 2]).map(place => place.y)).toEqual([36, 36]);
    expect(placePoints([7])[0].x).toBe(8);
  });
});

describe('help', () => {
  it('lists the keys that our commands have now', () => {
    const commands = new CommandRegistry();
    commands.addCommand('jupyter-pipe:pick-stage', { label: 'Put into Stage…', execute: () => null });
    commands.addCommand('other:command', { label: 'Other', execute: () => null });
    commands.addKeyBinding({ command: 'jupyter-pipe:pick-stage', keys: ['Alt S'], selector: 'body' });
    commands.addKeyBinding({ command: 'other:command', keys: ['Alt O'], selector: 'body' });
    expect(ownKeys(commands)).toEqual([{ keys: 'Alt+S', does: 'Put into Stage…' }]);
  });

  it.each([
    [false, false, 0],
    [true, false, 1],
    [true, true, 2]
  ])('the first steps follow the user: %s %s', (hasStages, hasRun, step) => {
    expect(stepOf(hasStages, hasRun)).toBe(step);
  });
});

describe('what is shown below a cell', () => {
  const cellThat = (isDrawn: boolean) =>
    ({ layout: new PanelLayout(), isPlaceholder: () => !isDrawn }) as unknown as Cell & { layout: PanelLayout };

  it('waits for a cell that JupyterLab draws later, or it would stand above the code', () => {
    const cell = cellThat(false);
    expect(addBelow(cell, new Widget())).toBe(false);
    expect(cell.layout.widgets).toHaveLength(0);
  });

  it('comes after all that a drawn cell shows', () => {
    const cell = cellThat(true);
    const widget = new Widget();
    cell.layout.addWidget(new Widget());
    expect(addBelow(cell, widget)).toBe(true);
    expect(cell.layout.widgets.at(-1)).toBe(widget);
  });
});
