/** What an input shows at once, although the model gives it back only with the next frame. */

import { useState } from 'react';

/**
 * The value to show and a function to show another one; a new `value` from the model replaces it.
 *
 * React puts an input back to the value that it was drawn with as soon as its event is over. Where the
 * model is drawn later, that would untick a box for a moment, and send the caret to the end of a text.
 */
export function useShown<T>(value: T): [T, (next: T) => void] {
  const [shown, setShown] = useState(value);
  const [given, setGiven] = useState(value);
  if (value !== given) {
    setGiven(value);
    setShown(value);
    return [value, setShown];
  }
  return [shown, setShown];
}
