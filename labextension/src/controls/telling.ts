/** What is said in a message beside the notebook. JupyterLab shows only messages that are told how long to stay. */

import { Notification } from '@jupyterlab/apputils';
import { ApiError } from '../api/client';

/** Long enough to read a hint twice, or to click what a message offers. */
export const ERROR_MS = 20_000;
/** Long enough for a sentence that asks for nothing. */
export const NEWS_MS = 6000;

/** Say in words what the server did not do, and what to do next. */
export function tellError({ message, hint }: ApiError): void {
  Notification.error([message, hint].filter(Boolean).join(' '), { autoClose: ERROR_MS });
}

/** Do something, and say what the server did not do. Other errors are ours, and thrown. */
export async function reported(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    tellError(error);
  }
}
