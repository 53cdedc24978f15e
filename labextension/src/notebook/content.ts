/** The notebook as it is being edited, as the compiler needs it: without outputs, which may be large. */

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
  return { ...content, cells: cells.map(cell => slim(cell, tags.get(String(cell.id)))) };
}

function slim(cell: Json, tags: readonly string[] | undefined): Json {
  const bare = cell.cell_type === 'code' ? { ...cell, outputs: [], execution_count: null } : cell;
  return tags ? { ...bare, metadata: { ...(bare.metadata as Json), tags } } : bare;
}
