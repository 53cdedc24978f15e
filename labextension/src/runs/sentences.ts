/** What a screen reader says about a run that moved on. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Run } from '../api/types';
import { countStages, failedStage, formatSeconds, isActive, markOf, placeOf, wordOf } from './state';

export interface Sentence {
  readonly text: string;
  /** A failure is said at once, everything else when there is time. */
  readonly isUrgent: boolean;
}

/** What is new, in one sentence; null if nothing is worth saying. */
export function sentenceOf(before: Run | null, run: Run, trans: TranslationBundle): Sentence | null {
  if (before?.run_id !== run.run_id) {
    return isActive(run) ? calm(trans.__('%1 started', run.pipeline)) : null;
  }
  if (isActive(before) && !isActive(run)) {
    return ending(before, run, trans);
  }
  const states = new Map(before.stages.map(stage => [stage.name, stage.state]));
  const moved = run.stages.filter(stage => stage.state !== states.get(stage.name));
  const failed = moved.find(stage => stage.state === 'failed');
  if (failed) {
    const place = failed.failure ? placeOf(failed.failure, trans) : '';
    return { text: [failed.name, wordOf(markOf(failed), trans), place].filter(Boolean).join(' '), isUrgent: true };
  }
  const done = moved.filter(stage => stage.state === 'succeeded' || stage.state === 'cached').pop();
  const counts = countStages(run);
  return done ? calm(trans.__('%1 %2, %3 of %4', done.name, wordOf(done.state, trans), counts.done, counts.total)) : null;
}

function ending(before: Run, run: Run, trans: TranslationBundle): Sentence {
  const failed = failedStage(run);
  if (run.state === 'failed' && failed) {
    // The stage's failure is urgent, once.
    const isUrgent = failedStage(before) === null;
    return { text: trans.__('%1 failed in %2', run.pipeline, failed.name), isUrgent };
  }
  const words = {
    succeeded: trans.__('%1 succeeded in %2', run.pipeline, formatSeconds(run.seconds)),
    cancelled: trans.__('%1 cancelled', run.pipeline),
    interrupted: trans.__('%1 interrupted', run.pipeline),
    waiting: trans.__('%1 is waiting for you', run.pipeline)
  };
  const isKnown = run.state === 'succeeded' || run.state === 'cancelled' || run.state === 'interrupted' || run.state === 'waiting';
  return calm(isKnown ? words[run.state as keyof typeof words] : trans.__('%1 failed', run.pipeline));
}

function calm(text: string): Sentence {
  return { text, isUrgent: false };
}
