/** Times as people say them: "Today 13:58", "Yesterday 18:04", "12 Nov 09:30". */

import type { TranslationBundle } from '@jupyterlab/translation';

// To make one costs more than to start all else that is here: made when a run is older than yesterday, and once.
let day: Intl.DateTimeFormat | undefined;

export function formatWhen(date: Date, trans: TranslationBundle, now = new Date()): string {
  const time = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
  const days = Math.round((startOfDay(now) - startOfDay(date)) / 86_400_000);
  if (days === 0) {
    return trans.__('Today %1', time);
  }
  if (days === 1) {
    return trans.__('Yesterday %1', time);
  }
  day ??= new Intl.DateTimeFormat([], { day: 'numeric', month: 'short' });
  return `${day.format(date)} ${time}`;
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
