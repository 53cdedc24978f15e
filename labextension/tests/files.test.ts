import { describe, expect, it } from 'vitest';
import { fileName, filterWithTags, pipelineName } from '../src/notebook/files';

describe('the names of files', () => {
  it.each([
    ['a/home_value.ipynb', 'home_value.ipynb', 'home_value'],
    ['home_value.py', 'home_value.py', 'home_value_py'],
    ['a/b.c/home.value.md', 'home.value.md', 'home.value_md']
  ])('of %s', (path, file, name) => {
    expect(fileName(path)).toBe(file);
    expect(pipelineName(path)).toBe(name);
  });
});

describe('what jupytext keeps', () => {
  it.each([
    ['-all', 'tags,-all'],
    ['name,-all', 'tags,name,-all'],
    ['-tags', 'tags'],
    ['name, -tags', 'tags,name'],
    ['tags,-all', 'tags,-all'],
    ['+tags,-all', '+tags,-all'],
    ['all', 'all'],
    ['-scrolled', '-scrolled'],
    ['', '']
  ])('with the filter "%s" tags are written', (filter, kept) => {
    expect(filterWithTags(filter)).toBe(kept);
  });
});
