/** Tabs of the main area. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Widget } from '@lumino/widgets';

/** Show a tab; the one of the same thing that is open already, if there is one. */
export function openTab({ shell }: JupyterFrontEnd, widget: Widget): void {
  const open = [...shell.widgets('main')].find(each => each.id === widget.id);
  if (open && open !== widget) {
    widget.dispose();
  } else if (!open) {
    shell.add(widget, 'main');
  }
  shell.activateById(widget.id);
}
