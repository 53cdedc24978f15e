/** Time that passes: ticks once a second, changes one text node and no layout. */

import { useEffect, useRef, type ReactElement } from 'react';
import { formatClock } from '../runs/state';

const ticking = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls `show` now and every second, together with all others: many clocks cost one frame a second, not one each. */
function tick(show: () => void): () => void {
  show();
  ticking.add(show);
  timer ??= setInterval(() => ticking.forEach(each => each()), 1000);
  return () => {
    ticking.delete(show);
    if (ticking.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export function Clock(props: { since: number; suffix?: string }): ReactElement {
  const { since, suffix = '' } = props;
  const node = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const show = () => {
      const text = formatClock(Date.now() / 1000 - since) + suffix;
      if (node.current && node.current.textContent !== text) {
        node.current.textContent = text;
      }
    };
    return tick(show);
  }, [since, suffix]);
  return <span ref={node} className="jp-pipe-Clock" aria-hidden />;
}
