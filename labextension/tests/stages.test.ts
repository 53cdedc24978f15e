import { describe, expect, it } from 'vitest';
import { outline, type NotebookCell } from '../src/stages/blocks';
import { StageColours } from '../src/stages/colours';
import * as edits from '../src/stages/edits';
import { TagHistory } from '../src/stages/history';

/** Cells from tags, `#` for markdown: `['a', 'stage:x'], '#', []`. */
function notebook(...cells: (string[] | '#')[]): NotebookCell[] {
  return cells.map((tags, index) => ({
    id: `c${index}`,
    kind: tags === '#' ? 'markdown' : 'code',
    tags: tags === '#' ? [] : tags
  }));
}

function apply(cells: NotebookCell[], changes: edits.TagEdit[]): NotebookCell[] {
  const after = new Map(changes.map(change => [change.cellId, change.after]));
  return cells.map(cell => ({ ...cell, tags: after.get(cell.id) ?? cell.tags }));
}

describe('outline', () => {
  it('lets untagged cells belong to the stage above', () => {
    const cells = notebook([], ['stage:a'], [], ['skip'], [], ['stage:b'], ['stage:a']);
    expect(outline(cells).cells.map(cell => [cell.stage, cell.position, cell.own])).toEqual([
      [null, 0, false],
      ['a', 1, true],
      ['a', 2, false],
      [null, 0, true],
      ['a', 3, false],
      ['b', 1, true],
      ['a', 4, true]
    ]);
  });

  it('finds blocks, which prose interrupts', () => {
    const cells = notebook(['stage:a'], [], '#', [], ['stage:b'], ['stage:b']);
    expect(outline(cells).cells.map(cell => [cell.id, cell.first, cell.last])).toEqual([
      ['c0', true, false],
      ['c1', false, true],
      ['c3', true, true],
      ['c4', true, false],
      ['c5', false, true]
    ]);
  });

  it('joins the settings of a stage, the first cell deciding', () => {
    const cells = notebook(['stage:a', 'after:x', 'retries:1'], ['after:x,y', 'retries:2', 'metric:m']);
    expect(outline(cells).stages[0].settings).toEqual({
      after: ['x', 'y'],
      metrics: ['m'],
      gates: [],
      options: { retries: '1' }
    });
  });

  it('keeps parameters cells out of stages unless they name one', () => {
    const cells = notebook(['stage:a'], ['parameters'], ['parameters', 'stage:b']);
    expect(outline(cells).cells.map(cell => [cell.stage, cell.role])).toEqual([
      ['a', null],
      [null, 'parameters'],
      ['b', null]
    ]);
  });
});

describe('edits', () => {
  it('assigns only code cells and says nothing where nothing changes', () => {
    const cells = notebook(['stage:a'], '#', ['x']);
    const changes = edits.assignStage(cells, ['c0', 'c1', 'c2'], 'a');
    expect(changes).toEqual([{ cellId: 'c2', before: ['x'], after: ['x', 'stage:a'] }]);
  });

  it('renames with dependents', () => {
    const cells = notebook(['stage:a'], [], ['step:b', 'prev:a'], ['stage:a', 'after:b']);
    expect(apply(cells, edits.renameStage(cells, 'a', 'z')).map(cell => cell.tags)).toEqual([
      ['stage:z'],
      [],
      ['step:b', 'prev:z'],
      ['stage:z', 'after:b']
    ]);
  });

  it('removes a stage with what pointed to it', () => {
    const cells = notebook(['stage:a', 'retries:2', 'x'], ['stage:b', 'after:a']);
    expect(apply(cells, edits.removeStage(cells, 'a')).map(cell => cell.tags)).toEqual([['x'], ['stage:b']]);
  });

  it('splits at a cell and takes the rest of the stage along', () => {
    const cells = notebook(['stage:a'], [], [], ['skip'], ['stage:a'], ['stage:b'], ['stage:a']);
    const name = edits.nameForSplit(cells, 'a');
    const split = apply(cells, edits.splitStage(cells, 'c2', name));
    expect(outline(split).cells.map(cell => cell.stage)).toEqual(['a', 'a', 'a_2', null, 'a_2', 'b', 'a']);
  });

  it('numbers splits on', () => {
    expect(edits.nameForSplit(notebook(['stage:a_2'], ['stage:a_3']), 'a_2')).toBe('a_4');
    expect(edits.nameForSplit(notebook([]), null)).toBe('stage_2');
  });

  it('gathers settings in the first cell of the stage', () => {
    const cells = notebook(['stage:a', 'x'], ['after:b', 'retries:1']);
    const settings = { after: ['b'], metrics: [], gates: ['m<1'], options: { cpus: '4' } };
    expect(apply(cells, edits.saveSettings(cells, 'a', settings)).map(cell => cell.tags)).toEqual([
      ['stage:a', 'x', 'after:b', 'gate:m<1', 'cpus:4'],
      []
    ]);
  });

  it('applies a fix once', () => {
    const cells = notebook(['stage:a', 'aftr:b']);
    const [change] = edits.applyFix(cells, 'c0', ['after:b'], ['aftr:b']);
    expect(change.after).toEqual(['stage:a', 'after:b']);
    expect(edits.applyFix(apply(cells, [change]), 'c0', ['after:b'], ['aftr:b'])).toEqual([]);
  });
});

describe('undo', () => {
  it('takes back the last change, but not what others changed since', () => {
    let cells = notebook(['stage:a'], ['stage:a']);
    const history = new TagHistory();
    const changes = edits.renameStage(cells, 'a', 'b');
    history.add({ label: 'renamed', edits: changes });
    cells = apply(cells, changes);
    cells[1] = { ...cells[1], tags: ['stage:b', 'mine'] };
    cells = apply(cells, history.undo(cells));
    expect(cells.map(cell => cell.tags)).toEqual([['stage:a'], ['stage:b', 'mine']]);
    expect(history.last).toBeNull();
    expect(history.undo(cells)).toEqual([]);
  });
});

describe('colours', () => {
  it('stay with a stage when others come, and when it is renamed', () => {
    const colours = new StageColours();
    colours.learn(['a', 'b']);
    colours.learn(['new', 'a', 'b']);
    colours.rename('a', 'z');
    expect([colours.of('z').number, colours.of('b').number, colours.of('new').number]).toEqual([1, 2, 3]);
    expect([colours.find('b')?.number, colours.find('nobody')]).toEqual([2, null]);
  });

  it('repeat with another bar after eight', () => {
    const colours = new StageColours();
    colours.learn(Array.from({ length: 25 }, (_, index) => `s${index}`));
    expect(colours.of('s8')).toEqual({ number: 1, style: 'double' });
    expect(colours.of('s16')).toEqual({ number: 1, style: 'dashed' });
    expect(colours.of('s24')).toEqual({ number: 1, style: 'solid' });
  });
});
