/** What a stage's cells were and showed in a run, as texts and pictures that can be compared. Pure. */

import { codeOf, userCells, type ExecutedCell } from './drive';

export interface Executed {
  readonly code: string;
  /** What the cells printed and showed, as text, each below its number. */
  readonly shown: string;
  /** Addresses of pictures, in order: data that cannot be a program. */
  readonly pictures: readonly string[];
}

type Output = NonNullable<ExecutedCell['outputs']>[number];

const PICTURES = ['image/png', 'image/jpeg'];
/** Letters. A larger picture is not worth the memory of the page. */
const LARGEST_PICTURE = 8_000_000;
// Codes of terminals: colours, cursor movements, titles.
// eslint-disable-next-line no-control-regex
const CODES = /\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07?|.)/g;

export function executedOf(notebook: unknown): Executed {
  const cells = userCells(notebook);
  const parts = cells.map((cell, index) => {
    const said = (cell.outputs ?? []).map(textOf).join('').trimEnd();
    return said ? `[${index + 1}]\n${said}` : '';
  });
  return {
    code: codeOf(notebook),
    shown: parts.filter(Boolean).join('\n'),
    pictures: cells.flatMap(cell => (cell.outputs ?? []).flatMap(picturesOf))
  };
}

/** HTML is never shown here: every library says the same as text. */
function textOf(output: Output): string {
  const { output_type, text, data, ename, evalue } = output;
  const said =
    output_type === 'stream'
      ? joined(text)
      : output_type === 'error'
        ? `${joined(ename)}: ${joined(evalue)}\n`
        : `${joined(data?.['text/plain'])}\n`;
  return said.replace(CODES, '');
}

function picturesOf({ data }: Output): string[] {
  const kind = PICTURES.find(each => data?.[each] !== undefined);
  const letters = kind ? joined(data?.[kind]).replace(/\s/g, '') : '';
  return kind && letters.length <= LARGEST_PICTURE && /^[A-Za-z0-9+/]+=*$/.test(letters) ? [`data:${kind};base64,${letters}`] : [];
}

function joined(text: unknown): string {
  return Array.isArray(text) ? text.map(String).join('') : typeof text === 'string' ? text : '';
}
