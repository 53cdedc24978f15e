/** The traceback that a stage's kernel wrote, with the frames of libraries. Pure. */

import type { ExecutedOutputs } from '../api/types';

// eslint-disable-next-line no-control-regex -- colours begin with the character of escape
const COLOURS = /\x1b\[[0-9;]*m/g;

/** As text without colours; empty where no cell of the stage has raised. */
export function tracebackOf({ outputs }: ExecutedOutputs): string {
  const errors = Object.values(outputs).flatMap(shown => shown.filter(output => output.output_type === 'error'));
  const lines = errors.at(-1)?.traceback;
  return Array.isArray(lines) ? lines.map(String).join('\n').replace(COLOURS, '') : '';
}
