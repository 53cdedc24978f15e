/** What is wrong with a stage's settings as they are typed. Pure; the compiler has the last word. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { OPTIONS } from '../stages/grammar';
import { OPTION_NAMES, type OptionName, type StageSettings } from '../stages/tags';

export type SettingsProblems = Partial<Record<OptionName | 'metrics' | 'gates', string>>;

const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}]*$/u;
const PYTHON_WORDS = new Set('and or not in is if else for lambda True False None abs len min max round sum all any'.split(' '));

/**
 * @param variables The variables that the stage has when it ends; empty if nobody knows.
 */
export function checkSettings(
  settings: StageSettings,
  variables: readonly string[],
  trans: TranslationBundle
): SettingsProblems {
  const problems: SettingsProblems = {};
  const note = (field: keyof SettingsProblems, problem: string | null) => {
    if (problem) {
      problems[field] = problem;
    }
  };
  note('metrics', first(settings.metrics, name => metricProblem(name, variables, trans)));
  note('gates', first(settings.gates, gate => gateProblem(gate, variables, trans)));
  for (const name of OPTION_NAMES) {
    note(name, optionProblem(name, settings.options[name], trans));
  }
  return problems;
}

function metricProblem(name: string, variables: readonly string[], trans: TranslationBundle): string | null {
  return IDENTIFIER.test(name) ? unknownProblem(name, variables, trans) : trans.__('“%1” is not a variable.', name);
}

function gateProblem(gate: string, variables: readonly string[], trans: TranslationBundle): string | null {
  const withoutTexts = gate.replace(/'[^']*'|"[^"]*"/g, '');
  if ((withoutTexts.match(/\(/g) ?? []).length !== (withoutTexts.match(/\)/g) ?? []).length) {
    return trans.__('A parenthesis is missing.');
  }
  const names = withoutTexts.match(/(?<![.\p{ID_Continue}])[\p{ID_Start}_][\p{ID_Continue}]*(?![\p{ID_Continue}])(?!\s*\()/gu) ?? [];
  return first(names.filter(name => !PYTHON_WORDS.has(name)), name => unknownProblem(name, variables, trans));
}

function unknownProblem(name: string, variables: readonly string[], trans: TranslationBundle): string | null {
  if (variables.length === 0 || variables.includes(name)) {
    return null;
  }
  const close = findClose(name, variables);
  return close
    ? trans.__('No variable “%1” in this stage. Did you mean %2?', name, close)
    : trans.__('No variable “%1” in this stage.', name);
}

/** What the value of an option should look like, if it does not. */
export function optionProblem(name: OptionName, text: string | undefined, trans: TranslationBundle): string | null {
  const { pattern, wanted } = OPTIONS[name];
  return text && !new RegExp(`^(?:${pattern})$`, 'i').test(text) ? trans.__('It takes %1.', wanted) : null;
}

function first<T>(items: readonly T[], check: (item: T) => string | null): string | null {
  for (const item of items) {
    const problem = check(item);
    if (problem) {
      return problem;
    }
  }
  return null;
}

/** The known name that is fewest edits away, if it is close enough to be meant. */
export function findClose(name: string, known: readonly string[]): string | null {
  const ranked = known.map(other => [distance(name, other), other] as const).sort(([a], [b]) => a - b);
  const [best] = ranked;
  return best && best[0] <= Math.max(1, Math.floor(name.length / 3)) ? best[1] : null;
}

function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, replaced));
    }
    row = next;
  }
  return row[other.length];
}
