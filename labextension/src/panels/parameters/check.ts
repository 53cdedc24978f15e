/** Whether a typed value can be one of the parameter's type. Pure; the server decides. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Parameter } from '../../api/types';

const PATTERNS: Readonly<Record<string, RegExp>> = {
  int: /^[+-]?\d[\d_]*$/,
  float: /^[+-]?(\d[\d_]*\.?[\d_]*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(inf|nan)$/i,
  bool: /^(true|false)$/i,
  list: /^\[.*\]$/s,
  dict: /^\{.*\}$/s,
  tuple: /^\(.*\)$/s
};

/** What is wrong with the text; empty if nothing is. */
export function checkParameter(parameter: Parameter, text: string, trans: TranslationBundle): string {
  const [type, ...others] = parameter.type.split('|').map(part => part.trim());
  if (others.includes('None') && text === 'None') {
    return '';
  }
  const pattern = PATTERNS[type];
  return pattern && !pattern.test(text.trim()) ? trans.__('not %1', type) : '';
}
