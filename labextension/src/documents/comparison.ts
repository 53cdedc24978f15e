/** What differs between runs: parameters, metrics, durations. Pure. The first run is the baseline. */

import type { Run } from '../api/types';

export type Value = number | boolean | string | null;

export interface ComparedRow {
  readonly name: string;
  /** One value a run; null where the run has none. */
  readonly values: readonly Value[];
  readonly differs: boolean;
}

export interface Comparison {
  readonly parameters: readonly ComparedRow[];
  readonly metrics: readonly ComparedRow[];
  readonly durations: readonly ComparedRow[];
}

export function compareRuns(runs: readonly Run[]): Comparison {
  return {
    parameters: rows(runs.map(run => new Map(run.facts.parameters.map(each => [each.name, each.literal])))),
    metrics: rows(runs.map(run => new Map(run.stages.flatMap(stage => Object.entries(stage.metrics))))),
    durations: rows(runs.map(run => new Map(run.stages.map(stage => [stage.name, durationOf(stage)]))))
  };
}

/** The change against the baseline in per cent; null where there is none to state. */
export function changeInPercent(base: Value, value: Value): number | null {
  if (typeof base !== 'number' || typeof value !== 'number' || base === 0 || base === value) {
    return null;
  }
  return (100 * (value - base)) / Math.abs(base);
}

function durationOf(stage: Run['stages'][number]): Value {
  return stage.state === 'cached' ? 'cached' : stage.seconds;
}

function rows(columns: readonly ReadonlyMap<string, Value>[]): ComparedRow[] {
  const names = [...new Set(columns.flatMap(column => [...column.keys()]))];
  return names.map(name => {
    const values = columns.map(column => column.get(name) ?? null);
    return { name, values, differs: new Set(values).size > 1 };
  });
}
