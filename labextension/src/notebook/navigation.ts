/** Brings a cell, and a line in it, before the user's eyes. */

import type { NotebookStages } from './stages';

const FLASH_CLASS = 'jp-pipe-mod-flash';
const FLASH_MS = 900;
const CALM_MS = 3000;
const USER_EVENTS = ['wheel', 'keydown', 'pointerdown', 'touchmove'] as const;
/** What ends holding a cell in view, by the element that scrolls. */
const held = new WeakMap<Element, () => void>();

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
  holdInView(widget.node);
  if (line !== null && widget.editor) {
    widget.editor.setCursorPosition({ line: line - 1, column: 0 });
  }
  widget.node.classList.add(FLASH_CLASS);
  setTimeout(() => widget.node.classList.remove(FLASH_CLASS), FLASH_MS);
}

/**
 * Keeps a cell in view while cells above it are drawn, which JupyterLab does one by one when the browser has
 * time, and which pushes the cell away. Ends when nothing has grown for a while, and when the user moves.
 */
function holdInView(cell: HTMLElement): void {
  const scroller = cell.closest('.jp-WindowedPanel-outer');
  const inner = scroller?.firstElementChild;
  if (!scroller || !inner) {
    return;
  }
  held.get(scroller)?.();
  let timer = 0;
  const observer = new ResizeObserver(() => {
    window.clearTimeout(timer);
    timer = window.setTimeout(stop, CALM_MS);
    const [at, seen] = [cell.getBoundingClientRect(), scroller.getBoundingClientRect()];
    if (cell.isConnected && (at.bottom < seen.top || at.top > seen.bottom)) {
      cell.scrollIntoView({ block: 'center' });
    }
  });
  const stop = () => {
    observer.disconnect();
    window.clearTimeout(timer);
    USER_EVENTS.forEach(kind => window.removeEventListener(kind, stop, true));
    held.delete(scroller);
  };
  held.set(scroller, stop);
  USER_EVENTS.forEach(kind => window.addEventListener(kind, stop, { capture: true, passive: true }));
  for (const part of [inner, ...inner.children]) {
    observer.observe(part);
  }
}

/** The first cell of a stage, as tagged or as compiled. */
export function firstCellOf(stages: NotebookStages, stage: string, compiled: readonly string[]): string | null {
  return stages.shown.outline.stages.find(candidate => candidate.name === stage)?.cells[0]?.id ?? compiled[0] ?? null;
}
