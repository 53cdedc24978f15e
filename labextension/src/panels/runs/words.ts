/** What a run is called, and what is said beside it. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { RunSummary } from '../../api/types';
import { isActive } from '../../runs/state';
import { formatWhen } from '../../runs/when';

/** The name that somebody gave it, else when it was. */
export function titleOf(run: RunSummary, trans: TranslationBundle): string {
  const when = isActive(run) ? trans.__('Now') : formatWhen(new Date(run.queued * 1000), trans);
  return run.name || when;
}

/** What is most worth knowing: where it failed, what was set, what came out. */
export function noteOf(run: RunSummary, trans: TranslationBundle): string {
  if (run.failed_stage) {
    return run.failed_stage;
  }
  const set = Object.entries(run.parameters).map(([name, literal]) => `${name}=${literal}`);
  const metrics = Object.entries(run.metrics).map(([name, value]) => `${name} ${formatMetric(value)}`);
  const known = [...set, ...metrics].join(', ');
  return known || (run.trigger === 'jupyterlab' ? trans.__('from JupyterLab') : trans.__('from %1', run.trigger));
}

export function formatMetric(value: number | boolean | string): string {
  if (typeof value !== 'number') {
    return String(value);
  }
  return Number.isInteger(value) || Math.abs(value) >= 1000
    ? // Written by hand: the first number that a browser writes by a locale costs as much as a screen of rows.
      String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
    : String(Number(value.toPrecision(4)));
}
