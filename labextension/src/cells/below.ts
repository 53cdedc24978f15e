/** Adds a widget of ours below all that a cell shows itself; it goes with the cell. */

import type { Cell } from '@jupyterlab/cells';
import { PanelLayout, type Widget } from '@lumino/widgets';

/** Whether the cell was drawn already: one that JupyterLab draws later would come below what is added now. */
export function addBelow(cell: Cell, widget: Widget): boolean {
  const { layout } = cell;
  if (cell.isPlaceholder() || !(layout instanceof PanelLayout)) {
    return false;
  }
  layout.addWidget(widget);
  return true;
}
