/** Brings a cell, and a line in it, before the user's eyes. */

import type { NotebookStages } from './stages';

const FLASH_CLASS = 'jp-pipe-mod-flash';
const FLASH_MS = 900;

/** Scroll to a cell and make it the active one. `line` counts from 1. */
export async function goToCell(stages: NotebookStages, cellId: string, line: number | null = null): Promise<void> {
  const { content } = stages.panel;
  const index = content.widgets.findIndex(cell => cell.model.id === cellId);
  if (index < 0) {
    return;
  }
  content.deselectAll();
  content.activeCellIndex = index;
  const widget = content.widgets[index];
  await content.scrollToItem(index, 'center');
  await content.scrollToCell(widget, 'center');
  if (line !== null && widget.editor) {
    widget.editor.setCursorPosition({ line: line - 1, column: 0 });
  }
  widget.node.classList.add(FLASH_CLASS);
  setTimeout(() => widget.node.classList.remove(FLASH_CLASS), FLASH_MS);
}

/** The first cell of a stage, as tagged or as compiled. */
export function firstCellOf(stages: NotebookStages, stage: string, compiled: readonly string[]): string | null {
  return stages.shown.outline.stages.find(candidate => candidate.name === stage)?.cells[0]?.id ?? compiled[0] ?? null;
}
