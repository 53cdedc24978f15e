import { describe, expect, it } from 'vitest';
import {
  clearStage,
  findNameProblem,
  normaliseName,
  parseTags,
  removeFromAfter,
  renameInTags,
  setRole,
  setSettings,
  setStage
} from '../src/stages/tags';

const NOTHING = { after: [], metrics: [], gates: [], options: {} };

describe('parseTags', () => {
  it('reads every tag of the grammar', () => {
    const tags = parseTags([
      'stage:train-model',
      'after:clean, load',
      'metric:mae,r2',
      'gate:mae < 25_000',
      'mutates:df',
      'pure:X',
      'timeout:30m',
      'hide-input'
    ]);
    expect(tags).toMatchObject({
      stage: 'train_model',
      role: null,
      after: ['clean', 'load'],
      metrics: ['mae', 'r2'],
      gates: ['mae < 25_000'],
      mutates: ['df'],
      pure: ['X'],
      options: { timeout: '30m' },
      foreign: ['hide-input']
    });
  });

  it.each([
    [['step:fit', 'prev:load;clean'], 'fit', ['load', 'clean']],
    [['block:fit', 'prev:load'], 'fit', ['load']]
  ])('understands Kale: %j', (tags, stage, after) => {
    expect(parseTags(tags)).toMatchObject({ stage, after, foreign: [] });
  });

  it.each([
    ['parameters', 'parameters'],
    ['pipeline-parameters', 'parameters'],
    ['imports', 'leading'],
    ['functions', 'leading'],
    ['skip', 'skip'],
    ['shared', 'shared']
  ])('reads the role of %s', (tag, role) => {
    expect(parseTags([tag]).role).toBe(role);
  });

  it('leaves colons in gates and limits alone', () => {
    expect(parseTags(['gate:d["a:b"] > 1', 'limit:nvidia.com/gpu:2'])).toMatchObject({
      gates: ['d["a:b"] > 1'],
      options: { limit: 'nvidia.com/gpu:2' }
    });
  });
});

describe('names', () => {
  it.each([
    ['train', null],
    ['train-2', null],
    ['größe', null],
    ['', 'empty'],
    ['2nd', 'identifier'],
    ['a b', 'identifier'],
    ['lambda', 'keyword'],
    ['shared', 'reserved'],
    ['__init__', 'special']
  ])('%j: %s', (name, problem) => {
    expect(findNameProblem(name)).toBe(problem);
  });

  it.each([
    ['load', 'taken'],
    ['Load', 'taken'],
    ['lo-ad', null]
  ])('%s beside others: %s', (name, problem) => {
    expect(findNameProblem(name, ['load', 'fit'])).toBe(problem);
  });

  it('has one normal form', () => {
    expect(normaliseName(' train-ﬁt ')).toBe('train_fit');
  });
});

describe('edits', () => {
  const tags = ['hide-input', 'stage:old', 'raises-exception', 'retries:2'];

  it('replaces a stage where it stands and keeps foreign tags', () => {
    expect(setStage(tags, 'new')).toEqual(['hide-input', 'stage:new', 'raises-exception', 'retries:2']);
    expect(setStage(['step:old', 'x'], 'new')).toEqual(['step:new', 'x']);
    expect(setStage(['x'], 'new')).toEqual(['x', 'stage:new']);
  });

  it('drops roles that a stage excludes, but not parameters', () => {
    expect(setStage(['skip', 'a'], 'b')).toEqual(['a', 'stage:b']);
    expect(setStage(['parameters'], 'b')).toEqual(['parameters', 'stage:b']);
  });

  it('clears a stage, also a doubled one', () => {
    expect(clearStage(['stage:a', 'x', 'step:b'])).toEqual(['x']);
  });

  it('gives one role', () => {
    expect(setRole(['stage:a', 'shared', 'x'], 'skip')).toEqual(['x', 'skip']);
  });

  it('renames a stage and whoever waits for it', () => {
    expect(renameInTags(['stage:a', 'x'], 'a', 'b')).toEqual(['stage:b', 'x']);
    expect(renameInTags(['prev:a,c', 'after:d'], 'a', 'b')).toEqual(['prev:b,c', 'after:d']);
    expect(renameInTags(['after:a,b'], 'a', 'b')).toEqual(['after:b']);
    expect(renameInTags(['aftermath:a'], 'a', 'b')).toEqual(['aftermath:a']);
    expect(renameInTags(['step:a-b'], 'a_b', 'c')).toEqual(['step:c']);
  });

  it('takes a stage out of the lists', () => {
    expect(removeFromAfter(['after:a,b', 'prev:a'], 'a')).toEqual(['after:b']);
  });

  it('writes settings in place and removes those that are empty', () => {
    const settings = { after: ['a'], metrics: ['m'], gates: ['m < 1'], options: { cpus: '2' } };
    expect(setSettings(['stage:s', 'prev:z', 'timeout:1m', 'x'], settings)).toEqual([
      'stage:s',
      'prev:a',
      'x',
      'metric:m',
      'gate:m < 1',
      'cpus:2'
    ]);
    expect(setSettings(['stage:s', 'gate:x', 'gate:y', 'z'], NOTHING)).toEqual(['stage:s', 'z']);
  });

  it('writes a tag for each name, since tags have no commas', () => {
    expect(setSettings(['stage:s', 'metric:a', 'x'], { ...NOTHING, after: ['p', 'q'], metrics: ['a', 'b'] })).toEqual([
      'stage:s',
      'metric:a',
      'metric:b',
      'x',
      'after:p',
      'after:q'
    ]);
  });

  it('never changes tags that it reads as they are', () => {
    const given = ['stage:s', 'after:a,b', 'metric:m', 'gate:m<1', 'gate:m>0', 'cache:off', 'other'];
    expect(setSettings(given, parsedSettings(given))).toEqual(given);
  });
});

function parsedSettings(tags: string[]) {
  const { after, metrics, gates, options } = parseTags(tags);
  return { after, metrics, gates, options };
}
