/** Copies text and says so: what lies in the clipboard cannot be seen. */

import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ERROR_MS } from './telling';

export async function copyText(text: string, trans: TranslationBundle): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    Notification.success(trans.__('Copied: %1', text), { autoClose: 3000 });
  } catch {
    // A page without https has no clipboard: the text can be copied from the notification.
    Notification.warning(trans.__('The browser does not allow copying here: %1', text), { autoClose: ERROR_MS });
  }
}
