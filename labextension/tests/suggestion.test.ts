import { describe, expect, it } from 'vitest';
import type { SuggestAnswer } from '../src/api/types';
import { outline, type NotebookCell } from '../src/stages/blocks';
import * as drafts from '../src/suggest/draft';
import { StagePreview } from '../src/suggest/preview';

const CELLS: NotebookCell[] = ['imports', 'n', 'load', 'clean', 'plot', 'fit', 'show'].map(id => ({
  id,
  kind: 'code',
  tags: id === 'plot' ? ['hide-input'] : []
}));
const SUGGESTION: SuggestAnswer = {
  stages: [
    { name: 'load', cells: ['load'], after: [], receives: [], reason: "heading 'Load'" },
    { name: 'clean', cells: ['clean', 'plot'], after: ['load'], receives: ['rows'], reason: "heading 'Clean'" },
    { name: 'fit', cells: ['fit', 'show'], after: ['clean'], receives: ['x'], reason: '1 value crosses' }
  ],
  tags: {
    n: ['parameters'],
    load: ['stage:load'],
    clean: ['stage:clean'],
    fit: ['stage:fit', 'after:clean']
  },
  notes: []
};
const DRAFT = drafts.beginDraft(SUGGESTION);

/** The tags that accepting would leave, of the cells that have any. */
function tagsAfter(draft: drafts.Draft, cells = CELLS): Record<string, readonly string[]> {
  const after = drafts.applyEdits(cells, drafts.draftEdits(draft, cells));
  return Object.fromEntries(after.filter(cell => cell.tags.length > 0).map(cell => [cell.id, cell.tags]));
}

describe('a preview', () => {
  it('says that it is being made, and shows what came', async () => {
    const preview = new StagePreview();
    const seen: [boolean, boolean][] = [];
    preview.changed.connect(() => seen.push([preview.isLooking, preview.draft !== null]));
    await preview.look(() => Promise.resolve(DRAFT));
    expect(seen).toEqual([
      [true, false],
      [false, true]
    ]);
  });

  it('is not being made any more when that failed', async () => {
    const preview = new StagePreview();
    await expect(preview.look(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect([preview.isLooking, preview.draft]).toEqual([false, null]);
  });
});

describe('a suggestion', () => {
  it('amounts to the tags that it proposes, and keeps foreign ones', () => {
    expect(tagsAfter(DRAFT)).toEqual({ ...SUGGESTION.tags, plot: ['hide-input'] });
  });

  it('renames a stage and whoever waits for it', () => {
    const renamed = drafts.renameStage(DRAFT, 'clean', 'tidy-up');
    expect(tagsAfter(renamed)).toMatchObject({ clean: ['stage:tidy_up'], fit: ['stage:fit', 'after:tidy_up'] });
  });

  it.each([
    ['load', 'taken'],
    ['9', 'identifier'],
    ['tidy', null]
  ])('can be named %s: %s', (name, problem) => {
    expect(drafts.findDraftProblem(DRAFT, 'clean', name)).toBe(problem);
  });

  it('joins a stage that is not kept to the one above', () => {
    const joined = drafts.keepStage(DRAFT, 'clean', false);
    expect(drafts.cellsOf(joined, 'load', CELLS).map(cell => cell.id)).toEqual(['load', 'clean', 'plot']);
    expect(tagsAfter(joined)).toMatchObject({ load: ['stage:load'], clean: ['stage:load'], fit: ['stage:fit', 'after:load'] });
  });

  it('moves a cell over the border of two stages', () => {
    const moved = drafts.moveCell(DRAFT, 'plot', 'fit');
    expect(tagsAfter(moved)).toMatchObject({ plot: ['hide-input', 'stage:fit'], fit: ['stage:fit', 'after:clean'] });
    expect(drafts.neighbours(DRAFT, 'clean')).toMatchObject({ above: { name: 'load' }, below: { name: 'fit' } });
  });

  it('leaves a cell out, and takes it in again', () => {
    const out = drafts.leaveOut(DRAFT, 'clean', true);
    expect(tagsAfter(out)).toMatchObject({ clean: ['skip'], plot: ['hide-input', 'stage:clean'] });
    expect(tagsAfter(drafts.leaveOut(out, 'clean', false))).toEqual(tagsAfter(DRAFT));
  });

  it('replaces the stages that there were', () => {
    const tagged = CELLS.map(cell => (cell.id === 'clean' ? { ...cell, tags: ['step:old', 'metric:m'] } : cell));
    const cells = drafts.applyEdits(tagged, drafts.draftEdits(DRAFT, tagged));
    expect(outline(cells).stages.map(stage => stage.name)).toEqual(['load', 'clean', 'fit']);
    expect(cells[3].tags).toEqual(['step:clean', 'metric:m']);
  });
});
