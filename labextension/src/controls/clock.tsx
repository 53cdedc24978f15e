/** Time that passes: ticks once a second, changes one text node and no layout. */

import { useEffect, useRef, type ReactElement } from 'react';
import { formatClock } from '../runs/state';

export function Clock(props: { since: number; suffix?: string }): ReactElement {
  const { since, suffix = '' } = props;
  const node = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const show = () => {
      if (node.current) {
        node.current.textContent = formatClock(Date.now() / 1000 - since) + suffix;
      }
    };
    show();
    const timer = setInterval(show, 1000);
    return () => clearInterval(timer);
  }, [since, suffix]);
  return <span ref={node} className="jp-pipe-Clock" aria-hidden />;
}
