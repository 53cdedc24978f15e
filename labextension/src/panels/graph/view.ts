/** Pan and zoom of a picture: drag, Ctrl and wheel, keys; double click fits. */

import { useEffect, useState, type MouseEvent, type RefObject } from 'react';

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

const WHOLE: Place = { x: 0, y: 0, scale: 1 };
const STEP = 1.25;
const MAX_SCALE = 8;

export interface View {
  readonly box: string;
  /** Whether the key meant something: `+`, `-`, `0`. */
  readonly onKey: (key: string) => boolean;
  readonly handlers: {
    readonly onMouseDown: (event: MouseEvent) => void;
    readonly onDoubleClick: () => void;
  };
}

export function useView(svg: RefObject<SVGSVGElement>, size: Size): View {
  const [place, setPlace] = useState(WHOLE);
  useEffect(() => setPlace(WHOLE), [size]);
  const zoom = (factor: number) =>
    setPlace(at => {
      const scale = Math.min(MAX_SCALE, Math.max(0.5, at.scale * factor));
      const shift = (length: number) => (length / at.scale - length / scale) / 2;
      return { x: at.x + shift(size.width), y: at.y + shift(size.height), scale };
    });
  useEffect(() => {
    const node = svg.current;
    // React listens to wheels passively, and then the page would zoom as well.
    const onWheel = (event: WheelEvent) => {
      if (event.ctrlKey) {
        event.preventDefault();
        zoom(event.deltaY < 0 ? STEP : 1 / STEP);
      }
    };
    node?.addEventListener('wheel', onWheel, { passive: false });
    return () => node?.removeEventListener('wheel', onWheel);
  }, [svg, size]);
  const drag = (event: MouseEvent) => {
    const node = svg.current;
    if (!node || event.button !== 0) {
      return;
    }
    const ratio = size.width / place.scale / node.clientWidth;
    const from = { x: event.clientX, y: event.clientY };
    const move = (to: globalThis.MouseEvent) =>
      setPlace({ ...place, x: place.x - (to.clientX - from.x) * ratio, y: place.y - (to.clientY - from.y) * ratio });
    const end = () => {
      window.removeEventListener('mousemove', move);
      window.removeEventListener('mouseup', end);
    };
    window.addEventListener('mousemove', move);
    window.addEventListener('mouseup', end);
  };
  const keys: Record<string, () => void> = {
    '+': () => zoom(STEP),
    '-': () => zoom(1 / STEP),
    '0': () => setPlace(WHOLE)
  };
  return {
    box: `${place.x} ${place.y} ${size.width / place.scale} ${size.height / place.scale}`,
    onKey: key => {
      keys[key]?.();
      return key in keys;
    },
    handlers: { onMouseDown: drag, onDoubleClick: () => setPlace(WHOLE) }
  };
}
