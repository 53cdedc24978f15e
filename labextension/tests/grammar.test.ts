/** Cases that the compiler reads as well: `tests/notebook/test_grammar.py`. */

import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import shared from '../../tests/shared/tags.json';
import { optionProblem } from '../src/picker/validation';
import { findNameProblem, parseTags, type OptionName } from '../src/stages/tags';

const trans = nullTranslator.load('jupyter_pipe');
const NOTHING = {
  stage: null,
  role: null,
  after: [],
  metrics: [],
  gates: [],
  mutates: [],
  pure: [],
  shares: [],
  options: {},
  scoring: {},
  foreign: []
};

describe('the vocabulary of tags', () => {
  it.each(shared.tags.map(each => [each.tags.join(' ') || 'none', each] as const))('reads %s', (_, each) => {
    const { tags, ...found } = each;
    expect(parseTags(tags)).toEqual({ ...NOTHING, ...found });
  });

  it.each(shared.names)('judges the name %j: %s', (text, problem) => {
    expect(findNameProblem(text ?? '')).toBe(problem);
  });

  // An empty value is not a value: the form leaves such a tag away.
  it.each(shared.options.filter(([, text]) => text !== ''))('judges %s:%s', (name, text, valid) => {
    expect(optionProblem(name as OptionName, String(text), trans) === null).toBe(valid);
  });
});
