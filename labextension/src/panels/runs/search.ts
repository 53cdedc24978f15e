/** Which runs of a long history are shown, and in which order. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { RunSummary } from '../../api/types';
import { wordOf } from '../../runs/state';
import { formatWhen } from '../../runs/when';
import { noteOf } from './words';

/** Pinned runs first, then newest first; those in which every word of the text occurs somewhere. */
export function searchRuns(runs: readonly RunSummary[], text: string, trans: TranslationBundle): RunSummary[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length === 0 ? runs : runs.filter(run => words.every(word => textOf(run, trans).includes(word)));
  return [...found.filter(run => run.pinned), ...found.filter(run => !run.pinned)];
}

// A summary never changes; after an edit there is a new one.
const texts = new WeakMap<RunSummary, string>();

function textOf(run: RunSummary, trans: TranslationBundle): string {
  const known = texts.get(run);
  if (known !== undefined) {
    return known;
  }
  const when = formatWhen(new Date(run.queued * 1000), trans);
  const parts = [run.name, run.note, when, run.run_id, wordOf(run.state, trans), run.trigger, noteOf(run, trans)];
  const text = parts.join(' ').toLowerCase();
  texts.set(run, text);
  return text;
}
