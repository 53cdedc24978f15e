/** Adds a widget of ours below all that a cell shows itself; it goes with the cell. */

import type { Cell } from '@jupyterlab/cells';
import { PanelLayout, type Widget } from '@lumino/widgets';

/** Whether the cell had a place already: a cell far from the viewport has none until it is ready. */
export function addBelow(cell: Cell, widget: Widget): boolean {
  const { layout } = cell;
  if (!(layout instanceof PanelLayout)) {
    return false;
  }
  layout.addWidget(widget);
  return true;
}
