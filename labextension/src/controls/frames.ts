/** Drawing in step with the screen. */

/** At most once a frame, however often it is asked. */
export function coalesced(draw: () => void): () => void {
  let isDue = false;
  return () => {
    if (!isDue) {
      isDue = true;
      requestAnimationFrame(() => {
        isDue = false;
        draw();
      });
    }
  };
}
