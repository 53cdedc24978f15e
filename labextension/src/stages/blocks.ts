/**
 * Which cell belongs to which stage, and where the blocks of neighbouring cells begin and end.
 *
 * Pure: the notebook's cells in, one `CellStage` a code cell out. Follows the tag rules of the
 * compiler (an untagged cell belongs to the stage above), without its analysis: what of the code
 * above the first stage becomes the stage `setup` is the compiler's to say.
 */

import { parseTags, type CellTags, type Role, type StageSettings } from './tags';

export interface NotebookCell {
  readonly id: string;
  readonly kind: string;
  readonly tags: readonly string[];
}

export interface CellStage {
  readonly id: string;
  /** Position among all of the notebook's cells, from 0. */
  readonly index: number;
  readonly tags: CellTags;
  readonly stage: string | null;
  readonly role: Role | null;
  /** Whether the cell says so itself; otherwise it inherits. */
  readonly own: boolean;
  readonly first: boolean;
  readonly last: boolean;
  /** Position among the stage's cells, from 1; 0 where there is no stage. */
  readonly position: number;
}

export interface StageOutline {
  readonly name: string;
  readonly cells: readonly CellStage[];
  readonly settings: StageSettings;
}

export interface Outline {
  readonly cells: readonly CellStage[];
  /** In notebook order of their first cells. */
  readonly stages: readonly StageOutline[];
}

export function outline(cells: readonly NotebookCell[]): Outline {
  const placed = markBlocks(cells, placeCells(cells));
  const names = [...new Set(placed.flatMap(cell => cell.stage ?? []))];
  const stages = names.map(name => describeStage(name, placed));
  return { cells: placed, stages };
}

type Placed = Omit<CellStage, 'first' | 'last'>;

function placeCells(cells: readonly NotebookCell[]): Placed[] {
  const counts = new Map<string, number>();
  let current: string | null = null;
  const placed: Placed[] = [];
  cells.forEach((cell, index) => {
    if (cell.kind !== 'code') {
      return;
    }
    const tags = parseTags(cell.tags);
    current = tags.stage ?? current;
    const stage: string | null = tags.stage ?? (tags.role ? null : current);
    const position = stage === null ? 0 : (counts.get(stage) ?? 0) + 1;
    if (stage !== null) {
      counts.set(stage, position);
    }
    const own = tags.stage !== null || tags.role !== null;
    placed.push({ id: cell.id, index, tags, stage, role: tags.stage ? null : tags.role, own, position });
  });
  return placed;
}

function markBlocks(cells: readonly NotebookCell[], placed: readonly Placed[]): CellStage[] {
  const label = (cell: Placed | undefined) => cell && (cell.stage ?? cell.role);
  const joins = (one: Placed | undefined, other: Placed | undefined) =>
    one !== undefined &&
    other !== undefined &&
    other.index === one.index + 1 &&
    label(one) === label(other) &&
    cells[one.index].kind === 'code';
  return placed.map((cell, index) => ({
    ...cell,
    first: !joins(placed[index - 1], cell),
    last: !joins(cell, placed[index + 1])
  }));
}

function describeStage(name: string, placed: readonly CellStage[]): StageOutline {
  const cells = placed.filter(cell => cell.stage === name);
  const unique = (pick: (tags: CellTags) => readonly string[]) => [
    ...new Set(cells.flatMap(cell => pick(cell.tags)))
  ];
  const settings: StageSettings = {
    after: unique(tags => tags.after),
    metrics: unique(tags => tags.metrics),
    gates: unique(tags => tags.gates),
    // The compiler refuses a conflict; the form shows the first cell's word.
    options: Object.assign({}, ...cells.map(cell => cell.tags.options).reverse())
  };
  return { name, cells, settings };
}
