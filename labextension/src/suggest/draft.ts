/**
 * A suggestion of stages as the user bends it, and the tag edits that it amounts to.
 *
 * Pure: every operation returns a new draft. Nothing is written before the edits are applied.
 */

import type { SuggestAnswer } from '../api/types';
import type { NotebookCell } from '../stages/blocks';
import type { TagEdit } from '../stages/edits';
import { clearRole, clearStage, equalTags, findNameProblem, normaliseName, parseTags, setRole, setStage } from '../stages/tags';

export interface DraftStage {
  /** The proposed name: it stays when the user renames the stage. */
  readonly key: string;
  readonly name: string;
  readonly reason: string;
  /** The values that it takes from the stages above. */
  readonly receives: readonly string[];
  /** A stage that is not kept gives its cells to the one above. */
  readonly isKept: boolean;
}

export interface Draft {
  readonly stages: readonly DraftStage[];
  /** The key of the stage that a cell is in. */
  readonly homes: ReadonlyMap<string, string>;
  readonly leftOut: ReadonlySet<string>;
  /** The cells that are to name their stage, although they could inherit it. */
  readonly named: ReadonlySet<string>;
  /** Proposed tags that name no stage, such as `parameters`. */
  readonly others: ReadonlyMap<string, readonly string[]>;
  readonly notes: readonly string[];
}

export function beginDraft({ stages, tags, notes }: SuggestAnswer): Draft {
  const proposed = Object.entries(tags);
  const isSkip = (list: readonly string[]) => parseTags(list).role === 'skip';
  const others = proposed.map(([id, list]) => [id, clearStage(list).filter(tag => tag !== 'skip')] as const);
  return {
    stages: stages.map(({ name, reason, receives }) => ({ key: name, name, reason, receives, isKept: true })),
    homes: new Map(stages.flatMap(stage => stage.cells.map(cell => [cell, stage.name] as const))),
    leftOut: new Set(proposed.filter(([, list]) => isSkip(list)).map(([id]) => id)),
    named: new Set(proposed.filter(([, list]) => parseTags(list).stage !== null).map(([id]) => id)),
    others: new Map(others.filter(([, list]) => list.length > 0)),
    notes
  };
}

export function renameStage(draft: Draft, key: string, name: string): Draft {
  return changeStage(draft, key, { name: normaliseName(name) });
}

export function keepStage(draft: Draft, key: string, isKept: boolean): Draft {
  return changeStage(draft, key, { isKept });
}

export function moveCell(draft: Draft, cellId: string, key: string): Draft {
  return { ...draft, homes: new Map([...draft.homes, [cellId, key]]) };
}

export function leaveOut(draft: Draft, cellId: string, isOut: boolean): Draft {
  const leftOut = new Set(draft.leftOut);
  leftOut[isOut ? 'add' : 'delete'](cellId);
  return { ...draft, leftOut };
}

/** Why the text cannot name the stage beside those that are kept. */
export function findDraftProblem(draft: Draft, key: string, text: string): ReturnType<typeof findNameProblem> {
  const others = draft.stages.filter(stage => stage.key !== key && stage.isKept);
  return findNameProblem(text, others.map(stage => stage.name));
}

/** The stage that the cells of `key` go to: itself, or the nearest one above that is kept. */
export function keptStage(draft: Draft, key: string): DraftStage | null {
  const upTo = draft.stages.slice(0, draft.stages.findIndex(stage => stage.key === key) + 1);
  return upTo.reverse().find(stage => stage.isKept) ?? null;
}

/** The stages beside a stage to which a cell of it can move. */
export function neighbours(draft: Draft, key: string): { above: DraftStage | null; below: DraftStage | null } {
  const kept = draft.stages.filter(stage => stage.isKept);
  const at = kept.findIndex(stage => stage.key === key);
  return { above: kept[at - 1] ?? null, below: at < 0 ? null : (kept[at + 1] ?? null) };
}

/** The cells of a stage as the draft stands, in notebook order, those left out included. */
export function cellsOf(draft: Draft, key: string, cells: readonly NotebookCell[]): NotebookCell[] {
  return cells.filter(cell => {
    const home = draft.homes.get(cell.id);
    return cell.kind === 'code' && home !== undefined && keptStage(draft, home)?.key === key;
  });
}

/** What accepting would write: only the cells whose tags change. */
export function draftEdits(draft: Draft, cells: readonly NotebookCell[]): TagEdit[] {
  const edits: TagEdit[] = [];
  let above: string | null = null;
  for (const cell of cells.filter(each => each.kind === 'code')) {
    const after = tagsFor(draft, cell, above);
    above = parseTags(after).stage ?? above;
    if (!equalTags(cell.tags, after)) {
      edits.push({ cellId: cell.id, before: cell.tags, after });
    }
  }
  return edits;
}

export function applyEdits(cells: readonly NotebookCell[], edits: readonly TagEdit[]): NotebookCell[] {
  const tags = new Map(edits.map(edit => [edit.cellId, edit.after]));
  return cells.map(cell => ({ ...cell, tags: tags.get(cell.id) ?? cell.tags }));
}

/** A cell names its stage where it has or is proposed to, and where it would inherit another one. */
function tagsFor(draft: Draft, cell: NotebookCell, above: string | null): readonly string[] {
  if (draft.leftOut.has(cell.id)) {
    return parseTags(cell.tags).role === 'skip' ? cell.tags : setRole(cell.tags, 'skip');
  }
  const home = draft.homes.get(cell.id);
  const stage = home === undefined ? null : (keptStage(draft, home)?.name ?? null);
  const own = home === undefined ? cell.tags : clearSkip(cell.tags);
  const isNamed = draft.named.has(cell.id) || parseTags(own).stage !== null || stage !== above;
  const placed = stage === null ? clearStage(own) : isNamed ? setStage(own, stage) : own;
  const others = (draft.others.get(cell.id) ?? []).flatMap(tag => namedAnew(draft, tag));
  return [...placed, ...others.filter(tag => !placed.includes(tag))];
}

function clearSkip(tags: readonly string[]): string[] {
  return parseTags(tags).role === 'skip' ? clearRole(tags) : [...tags];
}

/** A tag that waits for a stage, with the name that this has now. */
function namedAnew(draft: Draft, tag: string): string[] {
  const { after } = parseTags([tag]);
  if (after.length === 0) {
    return [tag];
  }
  const names = after.flatMap(key => keptStage(draft, key)?.name ?? []);
  return [...new Set(names)].map(name => `after:${name}`);
}

function changeStage(draft: Draft, key: string, change: Partial<DraftStage>): Draft {
  return { ...draft, stages: draft.stages.map(stage => (stage.key === key ? { ...stage, ...change } : stage)) };
}
