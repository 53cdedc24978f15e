/** What a section shows when there is nothing, not yet, or no way. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon } from '@jupyterlab/ui-components';
import { useEffect, useState, type ReactElement, type ReactNode } from 'react';
import type { ApiError } from '../api/client';
import { copyText } from '../controls/copy';
import { StateIcon } from '../controls/marks';

const ENABLE_COMMAND = 'jupyter server extension enable jupyter_pipe';
// Shorter waits need no sign: it would only flicker.
const QUIET_MS = 300;

/** @param props.about Leads to the documentation of what is not there yet. */
export function Empty(props: { text: string; about?: ReactNode; children?: ReactNode }): ReactElement {
  return (
    <div className="jp-pipe-Empty">
      <p>
        {props.text} {props.about}
      </p>
      {props.children && <div className="jp-pipe-Actions">{props.children}</div>}
    </div>
  );
}

export function Loading(props: { text: string }): ReactElement | null {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!isShown) {
    return null;
  }
  return (
    <div className="jp-pipe-Empty" role="status">
      {[80, 60, 70].map(width => (
        <div key={width} className="jp-pipe-Skeleton" style={{ width: `${width}%` }} />
      ))}
      <p className="jp-pipe-second">{props.text}</p>
    </div>
  );
}

export function Failed(props: {
  text: string;
  error: ApiError;
  retry: () => void;
  trans: TranslationBundle;
}): ReactElement {
  const { text, error, retry, trans } = props;
  return (
    <div className="jp-pipe-Empty" role="alert">
      <p className="jp-pipe-Line">
        <StateIcon mark="failed" /> {text}
      </p>
      <p className="jp-pipe-second">{[error.message, error.hint].filter(Boolean).join(' ')}</p>
      <div className="jp-pipe-Actions">
        <button type="button" className="jp-pipe-Button" onClick={retry}>
          {trans.__('Try again')}
        </button>
      </div>
    </div>
  );
}

export function ServerMissing(props: { retry: () => void; trans: TranslationBundle }): ReactElement {
  const { retry, trans } = props;
  return (
    <div className="jp-pipe-Empty">
      <p>
        {trans.__(
          'Tagging works. Running needs the server extension of jupyter_pipe, which is not enabled here.'
        )}
      </p>
      <p className="jp-pipe-code">{ENABLE_COMMAND}</p>
      <div className="jp-pipe-Actions">
        <button
          type="button"
          className="jp-pipe-Button"
          onClick={() => void copyText(ENABLE_COMMAND, trans)}
        >
          <copyIcon.react tag="span" /> {trans.__('Copy command')}
        </button>
        <button type="button" className="jp-pipe-Link" onClick={retry}>
          {trans.__('Check again')}
        </button>
      </div>
    </div>
  );
}

export function Reconnecting(props: { since: Date | null; trans: TranslationBundle }): ReactElement {
  const { since, trans } = props;
  return (
    <div className="jp-pipe-Empty" role="status">
      <p className="jp-pipe-Line">
        <StateIcon mark="interrupted" />
        {since ? trans.__('Reconnecting… showing %1.', since.toLocaleTimeString()) : trans.__('Reconnecting…')}
      </p>
      <p className="jp-pipe-second">{trans.__('The run goes on.')}</p>
    </div>
  );
}
