/** A name that is cut in the middle where there is no room: `customer_l…_by_month`. */

import type { ReactElement } from 'react';

const TAIL = 5;
const LEAST_HEAD = 4;

/** The whole text stays in the page, for screen readers, for searching and for copying. */
export function Cut(props: { text: string; className?: string }): ReactElement {
  const { text, className = '' } = props;
  const at = text.length >= TAIL + LEAST_HEAD ? text.length - TAIL : text.length;
  return (
    <span className={`jp-pipe-Cut ${className}`} title={text}>
      <span className="jp-pipe-Cut-head">{text.slice(0, at)}</span>
      <span className="jp-pipe-Cut-tail">{text.slice(at)}</span>
    </span>
  );
}
