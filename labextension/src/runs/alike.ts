/** Which failed stages failed of the same. Pure. */

import type { StageRun } from '../api/types';

/** Stages that one line stopped in the same way, such as an import that all of them repeat, share a card. */
export function groupAlike(failed: readonly StageRun[]): StageRun[][] {
  const groups = new Map<string, StageRun[]>();
  for (const stage of failed) {
    const { kind, cell_id, line, ename, evalue } = stage.failure ?? {};
    // What is demanded of a result is said of each by itself.
    const key = JSON.stringify(kind === 'error' && cell_id ? [cell_id, line, ename, evalue] : [stage.name]);
    groups.set(key, [...(groups.get(key) ?? []), stage]);
  }
  return [...groups.values()];
}
