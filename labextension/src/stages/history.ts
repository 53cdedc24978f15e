/** Undo for tag changes, which JupyterLab's own undo does not cover. Pure: edits in, edits out. */

import type { NotebookCell } from './blocks';
import { equalTags } from './tags';
import type { TagEdit } from './edits';

export interface TagChange {
  /** What was done, for people: "Renamed forest to trees in 4 cells". */
  readonly label: string;
  readonly edits: readonly TagEdit[];
}

const LIMIT = 100;

export class TagHistory {
  private changes: TagChange[] = [];

  get last(): TagChange | null {
    return this.changes[this.changes.length - 1] ?? null;
  }

  add(change: TagChange): void {
    this.changes = [...this.changes, change].slice(-LIMIT);
  }

  /**
   * The edits that take the last change back. A cell whose tags somebody changed since is left
   * alone: an undo never overwrites what it did not write.
   */
  undo(cells: readonly NotebookCell[]): TagEdit[] {
    const change = this.changes.pop();
    const tags = new Map(cells.map(cell => [cell.id, cell.tags]));
    return (change?.edits ?? [])
      .filter(edit => equalTags(tags.get(edit.cellId) ?? [], edit.after))
      .map(edit => ({ cellId: edit.cellId, before: edit.after, after: edit.before }));
  }
}
