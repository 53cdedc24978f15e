/** Pan and zoom of a picture: drag, Ctrl and wheel, keys, buttons; double click fits. */

import { useEffect, useState, type MouseEvent, type RefObject } from 'react';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What of the picture is seen: its top left corner, and the pixels of one of its units. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** Names are 10.8 units high: below this scale their text would be smaller than 10 pixels. */
export const LEGIBLE_SCALE = 10 / 10.8;
const STEP = 1.25;
const MAX_SCALE = 8;
const LEAST_SCALE = 0.2;
/** A small pipeline does not fill a large tab. */
const LARGEST_FIT = 1.6;

export interface View {
  readonly place: Place;
  readonly box: string;
  /** Whether the key meant something: `+`, `-`, `0`. */
  readonly onKey: (key: string) => boolean;
  readonly zoomIn: () => void;
  readonly zoomOut: () => void;
  readonly fit: () => void;
  readonly lookAt: (x: number, y: number) => void;
  readonly handlers: {
    readonly onMouseDown: (event: MouseEvent) => void;
    readonly onDoubleClick: () => void;
  };
}

/** All of the picture, as long as it can be read; else its beginning. Pure. */
export function fitPlace(picture: Size, frame: Size): Place {
  const whole = Math.min(frame.width / picture.width, frame.height / picture.height, LARGEST_FIT);
  const scale = Math.max(whole, LEGIBLE_SCALE);
  const x = (picture.width - frame.width / scale) / 2;
  const overflows = frame.height / scale < picture.height;
  return { x, y: overflows ? 0 : (picture.height - frame.height / scale) / 2, scale };
}

/** A place that somebody chose, and what it is a place of. */
export interface Moved {
  readonly picture: Size;
  readonly frame: Size;
  readonly place: Place;
}

/** Where somebody looks. A place chosen in another picture, or through another frame, means nothing here. Pure. */
export function placeIn(picture: Size, frame: Size, moved: Moved | null): Place {
  const isHere = moved?.picture === picture && moved.frame.width === frame.width && moved.frame.height === frame.height;
  return isHere ? moved.place : fitPlace(picture, frame);
}

/** @param frame The pixels that the picture is seen through. */
export function useView(svg: RefObject<SVGSVGElement>, picture: Size, frame: Size): View {
  const [moved, setMoved] = useState<Moved | null>(null);
  const place = placeIn(picture, frame, moved);
  const setPlace = (next: (at: Place) => Place) => setMoved(at => ({ picture, frame, place: next(placeIn(picture, frame, at)) }));
  const fit = () => setMoved(null);
  const zoom = (factor: number) =>
    setPlace(at => {
      const scale = Math.min(MAX_SCALE, Math.max(LEAST_SCALE, at.scale * factor));
      const shift = (length: number) => (length / at.scale - length / scale) / 2;
      return { x: at.x + shift(frame.width), y: at.y + shift(frame.height), scale };
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
  }, [svg, picture, frame.width, frame.height]);
  const drag = (event: MouseEvent) => {
    if (!svg.current || event.button !== 0) {
      return;
    }
    const from = { x: event.clientX, y: event.clientY };
    const move = (to: globalThis.MouseEvent) => {
      const shift = { x: (to.clientX - from.x) / place.scale, y: (to.clientY - from.y) / place.scale };
      setPlace(() => ({ ...place, x: place.x - shift.x, y: place.y - shift.y }));
    };
    const end = () => {
      window.removeEventListener('mousemove', move);
      window.removeEventListener('mouseup', end);
    };
    window.addEventListener('mousemove', move);
    window.addEventListener('mouseup', end);
  };
  const keys: Record<string, () => void> = { '+': () => zoom(STEP), '-': () => zoom(1 / STEP), '0': fit };
  return {
    place,
    box: `${place.x} ${place.y} ${frame.width / place.scale} ${frame.height / place.scale}`,
    onKey: key => {
      keys[key]?.();
      return key in keys;
    },
    zoomIn: keys['+'],
    zoomOut: keys['-'],
    fit,
    lookAt: (x, y) =>
      setPlace(at => ({ ...at, x: x - frame.width / at.scale / 2, y: y - frame.height / at.scale / 2 })),
    handlers: { onMouseDown: drag, onDoubleClick: fit }
  };
}
