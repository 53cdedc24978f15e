/** A comparison as CSV (RFC 4180), for spreadsheets. Pure. */

import type { Run } from '../api/types';
import { compareRuns, type ComparedRow, type Value } from './comparison';

/** One line a value, one column a run; the first column says what kind of value it is. */
export function comparisonCsv(runs: readonly Run[]): string {
  const compared = compareRuns(runs);
  const group = (kind: string, rows: readonly ComparedRow[]) => rows.map(row => [kind, row.name, ...row.values]);
  const lines: Value[][] = [
    ['kind', 'name', ...runs.map(run => run.run_id)],
    ['run', 'started', ...runs.map(run => new Date(run.queued * 1000).toISOString())],
    ['run', 'state', ...runs.map(run => run.state)],
    ['run', 'seconds', ...runs.map(run => run.seconds)],
    ...group('parameter', compared.parameters),
    ...group('metric', compared.metrics),
    ...group('gate', compared.gates),
    ...group('state', compared.states),
    ...group('seconds', compared.durations)
  ];
  return lines.map(line => line.map(field).join(',')).join('\r\n') + '\r\n';
}

function field(value: Value): string {
  const text = value === null ? '' : String(value);
  // A spreadsheet would calculate what begins like a formula; a number may begin with its sign.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
