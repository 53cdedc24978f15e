/** Tabs of the main area, and what is said when one cannot be filled. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { Widget } from '@lumino/widgets';
import { ApiError } from '../api/client';

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

/** Do something, and say in words what the server did not do. */
export async function reported(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    Notification.error([error.message, error.hint].filter(Boolean).join(' '));
  }
}
