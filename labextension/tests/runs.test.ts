import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Run, StageRun } from '../src/api/types';
import { joinLines } from '../src/cells/mime';
import { tracebackOf } from '../src/cells/traceback';
import { Announcer } from '../src/controls/announcer';
import { withTheme } from '../src/documents/theme';
import { groupAlike } from '../src/runs/alike';
import { expectedSeconds, lastSeconds } from '../src/runs/durations';
import { sentenceOf } from '../src/runs/sentences';
import { keepUnchanged } from '../src/runs/sharing';

const trans = nullTranslator.load('jupyter-pipe');

type Given = Partial<StageRun> & { name: string };

function run(state: Run['state'], stages: Given[], change: Partial<Run> = {}): Run {
  const whole = stages.map(stage => ({ after: [], seconds: 0, saved_seconds: 0, failure: null, ...stage }));
  return { run_id: 'r', pipeline: 'home', state, seconds: 54, stages: whole, facts: { workers: 2 }, ...change } as unknown as Run;
}

describe('failures', () => {
  const failed = (name: string, failure: object): Given =>
    ({ name, state: 'failed', failure: { kind: 'error', cell_id: 'c1', line: 4, ename: 'OSError', evalue: 'no', ...failure } }) as Given;

  it('of one line are told once, and of results each by itself', () => {
    const { stages } = run('failed', [
      failed('a', {}),
      failed('b', { line: 5 }),
      failed('c', {}),
      failed('d', { kind: 'gate' }),
      failed('e', { kind: 'gate' }),
      failed('f', { cell_id: null })
    ]);
    expect(groupAlike(stages).map(group => group.map(stage => stage.name))).toEqual([['a', 'c'], ['b'], ['d'], ['e'], ['f']]);
  });
});

describe('durations', () => {
  const earlier = [
    run('failed', [{ name: 'a', state: 'cached', saved_seconds: 4 }, { name: 'b', state: 'failed', seconds: 1 }]),
    run('succeeded', [{ name: 'a', state: 'succeeded', seconds: 5 }, { name: 'b', state: 'succeeded', seconds: 7 }])
  ];

  it('takes what a stage last took, executed or saved', () => {
    expect(['a', 'b', 'c'].map(stage => lastSeconds(earlier, stage))).toEqual([4, 7, null]);
  });

  const last = (stage: string) => ({ a: 4, b: 10, c: 6, d: 1 })[stage] ?? null;
  const fan = [
    { name: 'd', state: 'queued', after: ['b', 'c'] },
    { name: 'a', state: 'queued' },
    { name: 'b', state: 'queued', after: ['a'] },
    { name: 'c', state: 'queued', after: ['a'] }
  ] as const;

  it('expects the longest chain, or the work shared by the workers', () => {
    expect(expectedSeconds(run('running', [...fan]), last)).toBe(15);
    expect(expectedSeconds(run('running', [...fan], { facts: { workers: 1 } } as Partial<Run>), last)).toBe(21);
    expect(expectedSeconds(run('running', [...fan, { name: 'new', state: 'queued' }]), last)).toBeNull();
  });

  it('counts what is over as it was', () => {
    const half = run('running', [{ name: 'a', state: 'cached', saved_seconds: 4 }, { name: 'b', state: 'succeeded', seconds: 3 }]);
    expect(expectedSeconds(half, last)).toBe(3);
  });
});

describe('a run read again', () => {
  it('keeps the objects of stages that stand as they stood', () => {
    const before = run('running', [{ name: 'load', state: 'succeeded' }, { name: 'fit', state: 'running' }]);
    const after = run('succeeded', [{ name: 'load', state: 'succeeded' }, { name: 'fit', state: 'succeeded' }]);
    const kept = keepUnchanged(before, after);
    expect(kept).toEqual(after);
    expect(kept.stages.map((stage, index) => stage === before.stages[index])).toEqual([true, false]);
  });
});

describe('what a screen reader says', () => {
  const a = { name: 'a', state: 'running' } as const;
  const done = { name: 'a', state: 'succeeded', seconds: 1 } as const;
  const b = { name: 'b', state: 'queued' } as const;
  const failure = { ename: 'E', evalue: 'x', kind: 'error', position: 2, line: 4 } as StageRun['failure'];
  const bad = { name: 'b', state: 'failed', failure } as const;

  it.each([
    ['a run that starts', null, run('running', [a, b]), 'home started', false],
    ['a stage', run('running', [a, b]), run('running', [done, b]), 'a succeeded, 1 of 2', false],
    ['a failure', run('running', [done, a]), run('running', [done, bad]), 'b failed cell 2, line 4', true],
    ['a failed run', run('running', [done, bad]), run('failed', [done, bad]), 'home failed in b', false],
    ['a failure at the end', run('running', [done, b]), run('failed', [done, bad]), 'home failed in b', true],
    ['the end', run('running', [a]), run('succeeded', [done]), 'home succeeded in 54 s', false]
  ] as const)('%s', (_, before, after, text, isUrgent) => {
    expect(sentenceOf(before, after, trans)).toEqual({ text, isUrgent });
  });

  it('has nothing to say about old runs, and about nothing new', () => {
    expect(sentenceOf(null, run('succeeded', [done]), trans)).toBeNull();
    expect(sentenceOf(run('running', [a]), run('running', [a]), trans)).toBeNull();
  });
});

describe('the announcer', () => {
  afterEach(() => vi.useRealTimers());

  it('says at most one thing in five seconds, the last; a failure at once', () => {
    vi.useFakeTimers();
    const announcer = new Announcer();
    const said = (kind: string) => document.querySelector(`[data-pipe-says=${kind}]`)?.textContent;
    for (const text of ['one', 'two', 'three']) {
      announcer.say({ text, isUrgent: false });
    }
    expect(said('polite')).toBe('one');
    announcer.say({ text: 'bad', isUrgent: true });
    announcer.say({ text: 'four', isUrgent: false });
    expect(said('assertive')).toBe('bad');
    vi.advanceTimersByTime(5000);
    expect(said('polite')).toBe('four');
    announcer.dispose();
  });
});

describe('outputs', () => {
  it('are whole texts, but JSON stays as it is', () => {
    const data = { 'text/html': ['<b>', 'x</b>'], 'application/vnd.plotly.v1+json': ['a'], 'image/png': 'AAAA' };
    expect(joinLines({ output_type: 'display_data', data }).data).toEqual({ ...data, 'text/html': '<b>x</b>' });
  });
});

describe('a report in the theme of JupyterLab', () => {
  const rule = '@media screen and (prefers-color-scheme: dark) { body { color: white } }';
  const html = `<html><head><style>${rule}</style></head><body><pre>${rule}</pre></body></html>`;

  it('has its style sheets answered, and its text left alone', () => {
    const page = new DOMParser().parseFromString(withTheme(html, true), 'text/html');
    expect(page.querySelector('style')?.textContent).toContain('screen and (width >= 0px) {');
    expect(page.querySelector('pre')?.textContent).toBe(rule);
    expect(page.documentElement.style.colorScheme).toBe('dark');
  });

  it('is light where JupyterLab is', () => {
    expect(withTheme(html, false)).toContain('screen and (width < 0px) {');
  });
});

describe('the traceback of a failed stage', () => {
  it('is the last that a cell left, without colours', () => {
    const error = (...traceback: string[]) => ({ output_type: 'error', ename: 'E', evalue: '', traceback });
    const outputs = { a: [error('first')], b: [{ output_type: 'stream', text: 'x' }, error('\u001b[31mE\u001b[39m', 'line 2')] };
    expect(tracebackOf({ outputs })).toBe('E\nline 2');
  });

  it('is empty where no cell has raised', () => {
    expect(tracebackOf({ outputs: { a: [{ output_type: 'stream', text: 'x' }] } })).toBe('');
  });
});
