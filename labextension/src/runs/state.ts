/** What a stage's state is called, which shape it has, and what is said beside it. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Failure, Run, StageRun, StageState } from '../api/types';
import { WORDS, type Mark } from './marks';

export type { Mark };

export function markOf(stage: StageRun): Mark {
  if (stage.state !== 'failed' || !stage.failure || !isDemand(stage.failure)) {
    return stage.state;
  }
  return DEMANDS[stage.failure.kind] ?? 'failed';
}

/** What is demanded of a result, and the mark of a stage whose result is not so. */
const DEMANDS: { readonly [kind in Failure['kind']]?: Mark } = {
  gate: 'gate_failed',
  contract: 'contract_failed',
  approval: 'waiting'
};

/** Whether a result is not what was demanded of it: all cells ran, and none is to blame. */
export function isDemand(failure: Failure): boolean {
  return failure.kind in DEMANDS;
}

export function wordOf(mark: Mark, trans: TranslationBundle): string {
  return trans.__(WORDS[mark]);
}

/** The reason behind the word: "cell 7/12", "unchanged", "cell 2, line 2". */
export function detailOf(stage: StageRun, trans: TranslationBundle): string {
  switch (stage.state) {
    case 'queued':
      return waitingFor(stage, trans);
    case 'running':
      return stage.cells_total > 0
        ? trans.__('cell %1/%2', Math.min(stage.cells_done + 1, stage.cells_total), stage.cells_total)
        : '';
    case 'failed':
      return stage.failure ? placeOf(stage.failure, trans) : '';
    case 'succeeded':
      // What nobody can compare: the result may be of another day. (Of a reused one, the reason says it.)
      return stage.contacts.join(', ');
    default:
      return stage.reason;
  }
}

/** Where a failure is, counted within its stage: "cell 2, line 2". */
export function placeOf(failure: Failure, trans: TranslationBundle): string {
  if (isDemand(failure)) {
    return failure.evalue.split('\n')[0];
  }
  if (failure.position === null) {
    return failure.ename;
  }
  return failure.line === null
    ? trans.__('cell %1', failure.position)
    : trans.__('cell %1, line %2', failure.position, failure.line);
}

/** One line about a failure: its name and message. */
export function messageOf(failure: Failure): string {
  return isDemand(failure) || !failure.ename ? failure.evalue : `${failure.ename}: ${failure.evalue}`;
}

function waitingFor(stage: StageRun, trans: TranslationBundle): string {
  // What an engine says of it: "SLURM: PENDING (Resources)".
  if (stage.reason) {
    return stage.reason;
  }
  if (stage.after.length === 0) {
    return '';
  }
  return stage.after.length === 1
    ? trans.__('after %1', stage.after[0])
    : trans._n('after %1 stage', 'after %1 stages', stage.after.length);
}

/** "0.05 s", "8.4 s", "54 s", "2 min 5 s", "1 h 3 min": as the report and the terminal write it. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) {
    return `${seconds.toFixed(seconds < 0.095 ? 2 : 1).replace(/\.0$/, '')} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/** "0:21", "12:04", "1:02:03": what a running clock shows. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number: number) => String(number).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export interface Counts {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  readonly running: number;
  readonly queued: number;
}

export function countStages(run: Run): Counts {
  const count = (...states: StageState[]) => run.stages.filter(stage => states.includes(stage.state)).length;
  return {
    total: run.stages.length,
    done: count('succeeded', 'cached'),
    failed: run.stages.filter(stage => stage.state === 'failed' && markOf(stage) !== 'waiting').length,
    skipped: count('skipped'),
    running: count('running'),
    queued: count('queued')
  };
}

export function isActive(run: { readonly state: Run['state'] } | null): boolean {
  return run !== null && (run.state === 'queued' || run.state === 'running');
}

export function failedStage(run: Run): StageRun | null {
  return run.stages.find(stage => stage.state === 'failed') ?? null;
}
