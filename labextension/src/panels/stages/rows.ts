/** The rows of the stage list: stages, and groups of stages that differ only by a number. Pure. */

import type { Run, StageRun } from '../../api/types';
import { markOf, type Mark } from '../../runs/state';

const FOLD_FROM = 5;
/** From bad to good: a group shows the worst of its members. */
const ORDER: readonly Mark[] = [
  'failed',
  'gate_failed',
  'contract_failed',
  'waiting',
  'interrupted',
  'running',
  'cancelled',
  'queued',
  'skipped',
  'stale',
  'succeeded',
  'cached'
];

export interface StageRow {
  readonly kind: 'stage';
  readonly name: string;
  readonly run: StageRun | null;
  readonly isStale: boolean;
  readonly group: string | null;
}

export interface GroupRow {
  readonly kind: 'group';
  /** "tune_01 … 20" */
  readonly name: string;
  readonly members: readonly StageRow[];
  readonly mark: Mark | null;
  readonly done: number;
}

export type Row = StageRow | GroupRow;

export function listRows(
  names: readonly string[],
  run: Run | null,
  isStale: (name: string) => boolean,
  isFolding: boolean
): Row[] {
  const runs = new Map(run?.stages.map(stage => [stage.name, stage]));
  const rows = names.map((name): StageRow => ({
    kind: 'stage',
    name,
    run: runs.get(name) ?? null,
    isStale: isStale(name),
    group: null
  }));
  return isFolding ? foldRows(rows) : rows;
}

/** What is visible: groups, and the members of those that are open. */
export function visibleRows(rows: readonly Row[], open: ReadonlySet<string>): Row[] {
  return rows.flatMap(row => (row.kind === 'group' && open.has(row.name) ? [row, ...row.members] : [row]));
}

/** The rows whose name holds the text, and whose state is the one asked for. */
export function filterRows(rows: readonly Row[], text: string, mark: Mark | null): Row[] {
  const fits = (row: StageRow) =>
    row.name.toLowerCase().includes(text.toLowerCase()) && (mark === null || markOfRow(row) === mark);
  return rows.flatMap((row): Row[] => {
    if (row.kind === 'stage') {
      return fits(row) ? [row] : [];
    }
    return row.members.filter(fits);
  });
}

/** Whether two rows of one name look the same. */
export function isSameRow(one: Row, other: Row): boolean {
  if (one.kind === 'stage') {
    return other.kind === 'stage' && one.run === other.run && one.isStale === other.isStale && one.group === other.group;
  }
  const isSameCount = other.kind === 'group' && one.members.length === other.members.length && one.done === other.done;
  return isSameCount && one.mark === other.mark;
}

export function markOfRow(row: Row): Mark | null {
  if (row.kind === 'group') {
    return row.mark;
  }
  return row.isStale ? 'stale' : row.run && markOf(row.run);
}

function foldRows(rows: readonly StageRow[]): Row[] {
  const folded: Row[] = [];
  let at = 0;
  while (at < rows.length) {
    const stem = stemOf(rows[at].name);
    let end = at + 1;
    while (stem !== null && end < rows.length && stemOf(rows[end].name) === stem) {
      end += 1;
    }
    const members = rows.slice(at, end);
    folded.push(...(members.length >= FOLD_FROM ? [makeGroup(members)] : members));
    at = end;
  }
  return folded;
}

function stemOf(name: string): string | null {
  return /^(.*?)\d+$/.exec(name)?.[1] ?? null;
}

function makeGroup(rows: readonly StageRow[]): GroupRow {
  const lastNumber = /\d+$/.exec(rows[rows.length - 1].name)?.[0] ?? '';
  const name = `${rows[0].name} … ${lastNumber}`;
  const members = rows.map(row => ({ ...row, group: name }));
  const marks = new Set(members.map(markOfRow));
  const done = members.filter(row => row.run?.state === 'succeeded' || row.run?.state === 'cached').length;
  return { kind: 'group', name, members, mark: ORDER.find(mark => marks.has(mark)) ?? null, done };
}
