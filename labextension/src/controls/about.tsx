/** The way from a place on the screen to the page of the documentation that explains it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { Client } from '../api/client';
import { aboutIcon } from '../icons';

/** A question mark that opens the page beside JupyterLab, in a tab of the browser. */
export function About(props: {
  client: Client;
  /** A page and its section: `tags#where-a-cell-belongs`. */
  page: string;
  /** What the page is about, in the middle of a sentence. */
  subject: string;
  trans: TranslationBundle;
}): ReactElement {
  const { client, page, subject, trans } = props;
  const label = trans.__('Documentation: %1', subject);
  return (
    <a
      className="jp-pipe-About"
      href={client.documentation(page)}
      target="_blank"
      rel="noopener"
      title={label}
      aria-label={label}
    >
      <aboutIcon.react tag="span" />
    </a>
  );
}
