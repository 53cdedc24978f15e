/** How long stages took before, and so how long a run will take. Pure. */

import type { Run, StageRun } from '../api/types';

/** What the stage took in the newest of these runs that executed or reused it. Newest first. */
export function lastSeconds(earlier: readonly Run[], stage: string): number | null {
  for (const run of earlier) {
    const found = run.stages.find(each => each.name === stage);
    const seconds = found?.state === 'succeeded' ? found.seconds : found?.state === 'cached' ? found.saved_seconds : 0;
    if (seconds > 0) {
      return seconds;
    }
  }
  return null;
}

/** About how long the whole run takes; null if a stage has never been measured. */
export function expectedSeconds(run: Run, last: (stage: string) => number | null): number | null {
  const ends = new Map<string, number>();
  let sum = 0;
  for (const stage of inOrder(run.stages)) {
    const seconds = secondsOf(stage, last);
    if (seconds === null) {
      return null;
    }
    sum += seconds;
    ends.set(stage.name, seconds + Math.max(0, ...stage.after.map(name => ends.get(name) ?? 0)));
  }
  // No run is shorter than its longest chain of stages, nor than its work shared by all workers.
  return Math.max(0, ...ends.values(), sum / Math.max(1, run.facts.workers));
}

function secondsOf(stage: StageRun, last: (stage: string) => number | null): number | null {
  switch (stage.state) {
    case 'queued':
      return last(stage.name);
    case 'running':
      return last(stage.name);
    case 'cached':
      return 0;
    default:
      return stage.seconds;
  }
}

/** Every stage after those that it waits for. */
function inOrder(stages: readonly StageRun[]): StageRun[] {
  const known = new Map(stages.map(stage => [stage.name, stage]));
  const placed = new Set<StageRun>();
  const visit = (stage: StageRun): void => {
    if (!placed.has(stage)) {
      stage.after.map(name => known.get(name)).forEach(other => other && other !== stage && visit(other));
      placed.add(stage);
    }
  };
  stages.forEach(visit);
  return [...placed];
}
