/** Sizes for people. Pure. */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** "840 bytes", "1.2 MB", "340 MB": three digits tell the size apart. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let size = bytes;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || size >= 99.95 ? 0 : 1;
  return `${size.toFixed(digits)} ${UNITS[unit]}`;
}
