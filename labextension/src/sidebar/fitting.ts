/** How tall the sections of the panel are: as tall as what they hold, as long as there is room. Pure. */

/** A section with nothing to show still shows the sentence that says so. */
const LEAST = 28;

/**
 * Share `room` pixels among sections that would like `wanted` pixels each; null for a closed one.
 *
 * Those that want little get it; the others share what is left alike. What nobody wants goes to the last
 * one that asked for more than its share, else to the tallest.
 */
export function fitHeights(wanted: readonly (number | null)[], room: number): number[] {
  const heights: number[] = wanted.map(height => (height === null ? 0 : LEAST));
  const open = wanted.flatMap((height, index) => (height === null ? [] : [index]));
  const byNeed = [...open].sort((one, other) => (wanted[one] ?? 0) - (wanted[other] ?? 0));
  let left = room;
  byNeed.forEach((index, at) => {
    const share = left / (byNeed.length - at);
    heights[index] = Math.max(LEAST, Math.min(wanted[index] ?? 0, share));
    left -= heights[index];
  });
  const tallest = byNeed[byNeed.length - 1];
  if (tallest !== undefined && left > 0) {
    heights[tallest] += left;
  }
  return heights;
}
