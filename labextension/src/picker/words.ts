/** Sentences about names of stages. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { NameProblem } from '../stages/tags';

/** Why a name cannot be used; empty if it can. */
export function nameProblemText(problem: NameProblem, trans: TranslationBundle): string {
  switch (problem) {
    case null:
      return '';
    case 'empty':
      return trans.__('Type a name.');
    case 'identifier':
      return trans.__('A name has letters, digits and underscores and starts with no digit.');
    case 'keyword':
      return trans.__('This is a keyword of Python.');
    case 'reserved':
      return trans.__('This name has a meaning of its own.');
  }
}
