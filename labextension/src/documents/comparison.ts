/** What differs between runs: parameters, metrics, durations. Pure. The first run is the baseline. */

import type { Run, RunSummary } from '../api/types';
import type { Point } from './trend';

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
  /** `passed` or `false`, by expression. */
  readonly gates: readonly ComparedRow[];
  readonly states: readonly ComparedRow[];
  readonly durations: readonly ComparedRow[];
}

/** Oldest first: what came before is what a change is measured against. */
export function inOrderOfTime(runs: readonly Run[]): Run[] {
  return [...runs].sort((one, other) => one.queued - other.queued);
}

/** The number for which the bars of these rows are full: the largest of all, so that rows compare. */
export function scaleOf(rows: readonly ComparedRow[]): number {
  const numbers = rows.flatMap(row => row.values).filter((value): value is number => typeof value === 'number');
  return Math.max(...numbers.map(Math.abs), Number.MIN_VALUE);
}

export function compareRuns(runs: readonly Run[]): Comparison {
  return {
    parameters: rows(runs.map(run => new Map(run.facts.parameters.map(each => [each.name, each.literal])))),
    metrics: rows(runs.map(run => new Map(run.stages.flatMap(stage => Object.entries(stage.metrics))))),
    gates: rows(runs.map(run => new Map(run.stages.flatMap(stage => stage.gates.map(gateEntry))))),
    states: rows(runs.map(run => new Map(run.stages.map(stage => [stage.name, stage.state])))),
    durations: rows(runs.map(run => new Map(run.stages.map(stage => [stage.name, durationOf(stage)]))))
  };
}

/** Each metric that is a number in two runs or more, oldest run first. */
export function trendsOf(history: readonly RunSummary[], title: (run: RunSummary) => string): [string, Point[]][] {
  const series = new Map<string, Point[]>();
  for (const run of [...history].sort((one, other) => one.queued - other.queued)) {
    for (const [name, value] of Object.entries(run.metrics)) {
      if (typeof value === 'number' && Number.isFinite(value)) {
        series.set(name, [...(series.get(name) ?? []), { runId: run.run_id, title: title(run), value }]);
      }
    }
  }
  return [...series].filter(([, points]) => points.length > 1);
}

/** The change against the baseline in per cent; null where there is none to state. */
export function changeInPercent(base: Value, value: Value): number | null {
  if (typeof base !== 'number' || typeof value !== 'number' || base === 0 || base === value) {
    return null;
  }
  return (100 * (value - base)) / Math.abs(base);
}

function gateEntry(gate: Run['stages'][number]['gates'][number]): [string, Value] {
  const values = Object.entries(gate.values).map(([name, value]) => `${name} = ${value}`);
  return [gate.expression, `${gate.passed ? 'passed' : 'false'}${values.length > 0 ? ` (${values.join(', ')})` : ''}`];
}

/** None of a stage that has not ended, or never began: it did not take no time. */
function durationOf(stage: Run['stages'][number]): Value {
  if (stage.state === 'cached') {
    return 'cached';
  }
  return stage.seconds > 0 ? stage.seconds : null;
}

/** "12", "0.35": two digits that count, never as a power of ten. */
export function formatPercent(change: number): string {
  const percent = Math.abs(change);
  return String(percent >= 9.95 ? Math.round(percent) : Number(percent.toPrecision(2)));
}

function rows(columns: readonly ReadonlyMap<string, Value>[]): ComparedRow[] {
  const names = [...new Set(columns.flatMap(column => [...column.keys()]))];
  return names.map(name => {
    const values = columns.map(column => column.get(name) ?? null);
    return { name, values, differs: new Set(values).size > 1 };
  });
}
