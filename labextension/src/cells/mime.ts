/** Outputs as a notebook file keeps them, made ready to be rendered. Pure. */

export type Output = Readonly<Record<string, unknown>>;

/** nbformat may keep a text as a list of lines; renderers want it whole. JSON lists stay lists. */
export function joinLines(output: Output): Output {
  const { data } = output;
  if (typeof data !== 'object' || data === null) {
    return output;
  }
  const whole = Object.entries(data).map(([mime, value]) => [mime, isJson(mime) ? value : joined(value)] as const);
  return { ...output, data: Object.fromEntries(whole) };
}

function isJson(mime: string): boolean {
  return /^application\/(.*\+)?json$/.test(mime);
}

function joined(value: unknown): unknown {
  return Array.isArray(value) && value.every(line => typeof line === 'string') ? value.join('') : value;
}
