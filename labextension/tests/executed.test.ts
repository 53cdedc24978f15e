import { describe, expect, it } from 'vitest';
import { executedOf } from '../src/documents/executed';

const cell = (source: string, ...outputs: unknown[]) => ({ cell_type: 'code', source, metadata: {}, outputs });
const ours = { ...cell('inputs', { output_type: 'stream', text: 'not shown' }), metadata: { jupyter_pipe: { role: 'inputs' } } };
const shown = (data: unknown) => ({ output_type: 'display_data', data });

describe('what a stage executed', () => {
  it('is its code, and what its cells printed and showed, by cell', () => {
    const found = executedOf({
      cells: [
        ours,
        cell('a', { output_type: 'stream', text: ['one\n', 'two\n'] }),
        cell('b'),
        cell('c', shown({ 'text/plain': '3', 'text/html': '<b>3</b>' }), { output_type: 'error', ename: 'E', evalue: 'no' })
      ]
    });
    expect(found).toEqual({ code: 'a\n\nb\n\nc', shown: '[1]\none\ntwo\n[3]\n3\nE: no', pictures: [] });
  });

  it.each([
    ['a picture', { 'image/png': 'iVBO\nRw0=' }, ['data:image/png;base64,iVBORw0=']],
    ['in pieces', { 'image/jpeg': ['/9', 'j/'] }, ['data:image/jpeg;base64,/9j/']],
    ['what ends the attribute', { 'image/png': '" onerror="alert(1)' }, []],
    ['a script in SVG', { 'image/svg+xml': '<svg onload="alert(1)"/>' }, []],
    ['not a text', { 'image/png': { toString: 'x' } }, []],
    ['too large', { 'image/png': 'A'.repeat(8_000_001) }, []],
    ['nothing', undefined, []]
  ])('has pictures as data: %s', (_, data, pictures) => {
    expect(executedOf({ cells: [cell('a', shown(data))] }).pictures).toEqual(pictures);
  });

  it.each([
    ['\x1b[31mred\x1b[0m', 'red'],
    ['\x1b]0;title\x07text', 'text'],
    ['\x1b[2Jgone', 'gone']
  ])('is told without codes of terminals', (text, said) => {
    expect(executedOf({ cells: [cell('a', { output_type: 'stream', text })] }).shown).toBe(`[1]\n${said}`);
  });

  it('of a damaged notebook is nothing', () => {
    expect(executedOf({})).toEqual({ code: '', shown: '', pictures: [] });
    expect(executedOf({ cells: [{ cell_type: 'code', source: 'a' }] }).shown).toBe('');
  });
});
