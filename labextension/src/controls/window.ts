/** Long lists: only the rows in view are drawn, with room before and after for the others. */

import { useEffect, useMemo, useState, type RefObject } from 'react';

const VIRTUAL_FROM = 50;
const OVERSCAN = 10;

export interface View {
  readonly start: number;
  readonly end: number;
  readonly before: number;
  readonly after: number;
}

/** Which rows to draw of a long list in a section of the panel; all of a short one. `rowHeight` is in pixels. */
export function useWindow(list: RefObject<HTMLElement>, count: number, rowHeight: number): View {
  const [range, setRange] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const scroller = list.current?.closest('.jp-pipe-Section');
    if (!scroller || count < VIRTUAL_FROM) {
      return;
    }
    const read = () => setRange({ top: scroller.scrollTop, height: scroller.clientHeight });
    const observer = new ResizeObserver(read);
    observer.observe(scroller);
    scroller.addEventListener('scroll', read, { passive: true });
    read();
    return () => {
      observer.disconnect();
      scroller.removeEventListener('scroll', read);
    };
  }, [list, count < VIRTUAL_FROM]);
  return useMemo(() => {
    if (count < VIRTUAL_FROM) {
      return { start: 0, end: count, before: 0, after: 0 };
    }
    const start = Math.max(0, Math.floor(range.top / rowHeight) - OVERSCAN);
    const end = Math.min(count, Math.ceil((range.top + range.height) / rowHeight) + OVERSCAN);
    return { start, end, before: start * rowHeight, after: (count - end) * rowHeight };
  }, [range, count, rowHeight]);
}
