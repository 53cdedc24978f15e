/** Sentences about names of stages. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { NameProblem } from '../stages/tags';

/** Why a name cannot be used; empty if it can. */
export function nameProblemText(problem: NameProblem | 'taken' | null, trans: TranslationBundle): string {
  switch (problem) {
    case null:
      return '';
    case 'empty':
      return trans.__('Type a name.');
    case 'identifier':
      return trans.__('A name has letters, digits and underscores and does not start with a digit.');
    case 'keyword':
      return trans.__('This is a keyword of Python.');
    case 'special':
      return trans.__('Python gives this name a meaning of its own.');
    case 'taken':
      return trans.__('Another stage has this name.');
    case 'reserved':
      return trans.__('The compiled package has a module of this name.');
  }
}
