/** What is said when the server did not do what the user asked for. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ApiError } from '../api/client';

export interface Trouble {
  readonly text: string;
  /** Runs are kept beside the notebook: where nobody may write, the way out is another place for both. */
  readonly needsAnotherPlace: boolean;
}

export function explainError(error: ApiError, trans: TranslationBundle): Trouble {
  const text = error.isMissing
    ? trans.__('Running needs the server extension of jupyter_pipe, which is not enabled here.')
    : [error.message, error.hint].filter(Boolean).join(' ');
  return { text, needsAnotherPlace: error.code === 'root_unwritable' };
}
