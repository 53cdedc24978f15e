/**
 * Changes to the tags of a whole notebook: what a user can do to stages, as data.
 *
 * Pure: the cells in, the tag lists to write out. Cells that would not change are left out.
 */

import { outline, type NotebookCell } from './blocks';
import {
  clearRole,
  clearSettings,
  clearStage,
  equalTags,
  findNameProblem,
  parseTags,
  removeFromAfter,
  renameInTags,
  setRole,
  setSettings,
  setStage,
  type Role,
  type StageSettings
} from './tags';

/** One atomic change of a cell's tag list. */
export interface TagEdit {
  readonly cellId: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

type Cells = readonly NotebookCell[];

export function assignStage(cells: Cells, ids: readonly string[], stage: string): TagEdit[] {
  return editCells(cells, code(cells, ids), tags => setStage(tags, stage));
}

/** Leave the cells to the stage above them. Roles go too: "no stage" means no tag of ours decides. */
export function unassign(cells: Cells, ids: readonly string[]): TagEdit[] {
  return editCells(cells, code(cells, ids), tags => clearRole(clearStage(tags)));
}

export function assignRole(cells: Cells, ids: readonly string[], role: Exclude<Role, 'leading'>): TagEdit[] {
  return editCells(cells, code(cells, ids), tags => setRole(tags, role));
}

/** Rename a stage in its own cells and in every cell that waits for it. */
export function renameStage(cells: Cells, from: string, to: string): TagEdit[] {
  return editCells(cells, null, tags => renameInTags(tags, from, to));
}

/** Remove a stage: its cells join the stage above, nobody waits for it any more. */
export function removeStage(cells: Cells, stage: string): TagEdit[] {
  return editCells(cells, null, tags => {
    const own = parseTags(tags).stage === stage;
    return removeFromAfter(own ? clearSettings(clearStage(tags)) : tags, stage);
  });
}

/**
 * Begin a new stage at a cell: it and the rest of its stage that follows without a gap take the new
 * name. Cells that inherit need no tag of their own.
 */
export function splitStage(cells: Cells, cellId: string, name: string): TagEdit[] {
  const placed = outline(cells).cells;
  const at = placed.findIndex(cell => cell.id === cellId);
  if (at < 0) {
    return [];
  }
  const stage = placed[at].stage;
  const rest = placed.slice(at + 1);
  const end = rest.findIndex(cell => cell.own && cell.stage !== null && cell.stage !== stage);
  const following = end < 0 ? rest : rest.slice(0, end);
  const tagged = following.filter(cell => cell.own && cell.stage === stage).map(cell => cell.id);
  return assignStage(cells, [cellId, ...tagged], name);
}

/** A free name for the second half of a stage. */
export function nameForSplit(cells: Cells, stage: string | null): string {
  const taken = outline(cells).stages.map(found => found.name);
  const stem = (stage ?? 'stage').replace(/_\d+$/, '');
  let number = 2;
  while (findNameProblem(`${stem}_${number}`, taken) === 'taken') {
    number += 1;
  }
  return `${stem}_${number}`;
}

/**
 * Write a stage's settings into its first cell that names it, and take them off its other cells.
 */
export function saveSettings(cells: Cells, stage: string, settings: StageSettings): TagEdit[] {
  const found = outline(cells).stages.find(candidate => candidate.name === stage);
  const owner = found?.cells.find(cell => cell.tags.stage === stage);
  if (!found || !owner) {
    return [];
  }
  const ids = found.cells.map(cell => cell.id);
  return editCells(cells, ids, (tags, id) =>
    id === owner.id ? setSettings(tags, settings) : clearSettings(tags)
  );
}

/** Add and remove single tags of one cell: the one-click cure of a diagnostic. */
export function applyFix(
  cells: Cells,
  cellId: string,
  add: readonly string[],
  remove: readonly string[]
): TagEdit[] {
  return editCells(cells, [cellId], tags => {
    const kept = tags.filter(tag => !remove.includes(tag));
    return [...kept, ...add.filter(tag => !kept.includes(tag))];
  });
}

function code(cells: Cells, ids: readonly string[]): string[] {
  const wanted = new Set(ids);
  return cells.filter(cell => cell.kind === 'code' && wanted.has(cell.id)).map(cell => cell.id);
}

function editCells(
  cells: Cells,
  ids: readonly string[] | null,
  edit: (tags: readonly string[], id: string) => string[]
): TagEdit[] {
  const wanted = ids && new Set(ids);
  return cells
    .filter(cell => !wanted || wanted.has(cell.id))
    .map(cell => ({ cellId: cell.id, before: cell.tags, after: edit(cell.tags, cell.id) }))
    .filter(change => !equalTags(change.before, change.after));
}
