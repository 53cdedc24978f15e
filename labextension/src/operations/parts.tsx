/** What several pages are made of: headings with a state, facts, commands to copy, links to runs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon } from '@jupyterlab/ui-components';
import type { ReactElement, ReactNode } from 'react';
import { copyText } from '../controls/copy';
import { StateIcon } from '../controls/marks';
import type { Mark } from '../runs/state';
import type { Host } from './host';

/** A heading with its state: shape and word first. */
export function Head(props: { title: string; mark?: Mark; word?: string; children?: ReactNode }): ReactElement {
  const { title, mark, word, children } = props;
  return (
    <div className="jp-pipe-Ops-head">
      <h3>{title}</h3>
      {word && (
        <span className="jp-pipe-Line">
          {mark && <StateIcon mark={mark} />} {word}
        </span>
      )}
      <span className="jp-pipe-Spacer" />
      {children}
    </div>
  );
}

/** A command, with a button that copies it. */
export function Command({ text, trans }: { text: string; trans: TranslationBundle }): ReactElement {
  return (
    <span className="jp-pipe-Ops-command">
      <code>{text}</code>
      <button
        type="button"
        className="jp-pipe-IconButton"
        title={trans.__('Copy')}
        aria-label={trans.__('Copy %1', text)}
        onClick={() => void copyText(text, trans)}
      >
        <copyIcon.react tag="span" />
      </button>
    </span>
  );
}

/** An empty page says what would fill it. */
export function Teach(props: {
  text: string;
  commands: readonly string[];
  children?: ReactNode;
  trans: TranslationBundle;
}): ReactElement {
  const { text, commands, children, trans } = props;
  return (
    <div className="jp-pipe-Ops-teach">
      <p>{text}</p>
      {children}
      {commands.map(command => (
        <Command key={command} text={command} trans={trans} />
      ))}
    </div>
  );
}

/** Pairs of a name and what is known, on one line where there is room. */
export function Facts(props: { facts: readonly (readonly [string, ReactNode])[] }): ReactElement {
  const facts = props.facts.filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return (
    <dl className="jp-pipe-Ops-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What could not be read, above what could. */
export function Trouble({ text }: { text: string }): ReactElement | null {
  return text ? (
    <p className="jp-pipe-Ops-trouble" role="alert">
      <StateIcon mark="failed" /> <span>{text}</span>
    </p>
  ) : null;
}

export function RunLink({ runId, host, trans }: { runId: string; host: Host; trans: TranslationBundle }): ReactElement {
  return (
    <button
      type="button"
      className="jp-pipe-Link jp-pipe-code"
      title={trans.__('Open the report of run %1', runId)}
      onClick={() => host.openReport(runId)}
    >
      {runId}
    </button>
  );
}

/** A table that scrolls by itself, also by keyboard, where it is wider or longer than its place. */
export function Scroll({ label, children }: { label: string; children: ReactNode }): ReactElement {
  return (
    <div className="jp-pipe-Ops-scroll" tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}
