/** How numbers of the pages are written. Pure. */

/** "15,284", "0.9571": four digits that count. */
export function formatNumber(value: number | null): string {
  if (value === null || !Number.isFinite(value)) {
    return '–';
  }
  if (Number.isInteger(value) || Math.abs(value) >= 10_000) {
    return Math.round(value).toLocaleString('en-US');
  }
  const short = Number(value.toPrecision(4));
  return Math.abs(short) >= 1e-4 || short === 0 ? short.toLocaleString('en-US', { maximumFractionDigits: 8 }) : String(short);
}

/** A value of a metric or a parameter. */
export function formatValue(value: unknown): string {
  return typeof value === 'number' ? formatNumber(value) : value === null || value === undefined ? '–' : String(value);
}

/** "0.6 %", "12 %". */
export function formatShare(share: number): string {
  const percent = 100 * share;
  return `${percent === 0 || percent >= 9.95 ? Math.round(percent) : Number(percent.toPrecision(2))} %`;
}

/** "0.8 ms", "24 ms", "1.2 s". */
export function formatLatency(seconds: number): string {
  if (seconds >= 1) {
    return `${Number(seconds.toPrecision(2))} s`;
  }
  return `${Number((1000 * seconds).toPrecision(2))} ms`;
}

/** A day and a time of a column of moments, which are seconds since 1970. */
export function formatMoment(seconds: number): string {
  const date = new Date(1000 * seconds);
  return Number.isNaN(date.getTime()) ? formatNumber(seconds) : date.toISOString().slice(0, 10);
}

/** Where values stand between the least and the most of them, 0 to 1; in the middle where all are equal. */
export function scaled(values: readonly number[]): (value: number) => number {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return value => (most > least ? (value - least) / (most - least) : 0.5);
}

/** Neighbours of a histogram added up, so that as many bars are left as there is room for. */
export function coarser(counts: readonly number[], bars: number): number[] {
  const width = Math.max(1, Math.ceil(counts.length / bars));
  const sums: number[] = [];
  for (let at = 0; at < counts.length; at += width) {
    sums.push(counts.slice(at, at + width).reduce((sum, count) => sum + Math.max(count, 0), 0));
  }
  return sums;
}
