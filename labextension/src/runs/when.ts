/** Times as people say them: "Today 13:58", "Yesterday 18:04", "12 Nov 09:30". */

import type { TranslationBundle } from '@jupyterlab/translation';

// Made once: each of them costs more than the rest of a history of 2,000 runs.
const TIME = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit', hour12: false });
const DAY = new Intl.DateTimeFormat([], { day: 'numeric', month: 'short' });

export function formatWhen(date: Date, trans: TranslationBundle, now = new Date()): string {
  const time = TIME.format(date);
  const days = Math.round((startOfDay(now) - startOfDay(date)) / 86_400_000);
  if (days === 0) {
    return trans.__('Today %1', time);
  }
  if (days === 1) {
    return trans.__('Yesterday %1', time);
  }
  return `${DAY.format(date)} ${time}`;
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
