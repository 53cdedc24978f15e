/** What a run read again has in common with what was read before. Pure. */

import { JSONExt, type ReadonlyPartialJSONValue } from '@lumino/coreutils';
import type { Run, StageRun } from '../api/types';

/** The run, with the very objects of before for the stages that stand as they stood: views compare by identity. */
export function keepUnchanged(before: Run | null, after: Run): Run {
  if (before?.run_id !== after.run_id) {
    return after;
  }
  const known = new Map(before.stages.map(stage => [stage.name, stage]));
  return { ...after, stages: after.stages.map(stage => sameStage(known.get(stage.name), stage)) };
}

function sameStage(before: StageRun | undefined, after: StageRun): StageRun {
  // Both came as JSON, and most stages stand as they stood: nothing is written out to be compared.
  const isSame = before && JSONExt.deepEqual(json(before), json(after));
  return isSame ? before : after;
}

function json(stage: StageRun): ReadonlyPartialJSONValue {
  return stage as unknown as ReadonlyPartialJSONValue;
}
