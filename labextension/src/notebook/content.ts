/**
 * The notebook as it is being edited, as the compiler needs it: without outputs, which may be large, and with the
 * ids that its cells have here. A notebook of a format before 4.5 is saved without ids, and written out without.
 */

import type { NotebookPanel } from '@jupyterlab/notebook';

type Json = Record<string, unknown>;

/** `tags` overrides the tags of single cells, by id. */
export function readContent(panel: NotebookPanel, tags: ReadonlyMap<string, readonly string[]> = new Map()): Json | null {
  const model = panel.content.model;
  if (!model) {
    return null;
  }
  const content = model.toJSON() as unknown as Json;
  const cells = Array.isArray(content.cells) ? (content.cells as Json[]) : [];
  const ids = [...model.cells].map(cell => cell.id);
  return { ...content, cells: cells.map((cell, index) => slim({ ...cell, id: ids[index] }, tags.get(ids[index]))) };
}

function slim(cell: Json, tags: readonly string[] | undefined): Json {
  const bare = cell.cell_type === 'code' ? { ...cell, outputs: [], execution_count: null } : cell;
  return tags ? { ...bare, metadata: { ...(bare.metadata as Json), tags } } : bare;
}
