/** What changed between two texts, line by line. Pure. */

export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed' | 'gap';
  readonly text: string;
}

/** Longer texts are shown as removed and added as a whole: the table of the comparison would not fit. */
const LONGEST = 2000;

/** The lines of both, in order; of what is the same, only `context` lines around each change. */
export function diffLines(before: string, after: string, context = 2): DiffLine[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  if (old.length > LONGEST || now.length > LONGEST) {
    return [...old.map(text => line('removed', text)), ...now.map(text => line('added', text))];
  }
  return folded(aligned(old, now), context);
}

function aligned(old: readonly string[], now: readonly string[]): DiffLine[] {
  // common[i][j]: how many lines old[i..] and now[j..] have in common, in order.
  const common = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      common[i][j] = old[i] === now[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push(line('same', old[i]));
      i += 1;
      j += 1;
    } else if (i < old.length && (j === now.length || common[i + 1][j] >= common[i][j + 1])) {
      lines.push(line('removed', old[i]));
      i += 1;
    } else {
      lines.push(line('added', now[j]));
      j += 1;
    }
  }
  return lines;
}

function folded(lines: readonly DiffLine[], context: number): DiffLine[] {
  const changed = lines.map((each, index) => (each.kind === 'same' ? -1 : index)).filter(index => index >= 0);
  const near = (index: number) => changed.some(at => Math.abs(at - index) <= context);
  return lines.flatMap((each, index) => {
    if (near(index)) {
      return [each];
    }
    return index > 0 && !near(index - 1) ? [] : [line('gap', '⋯')];
  });
}

function line(kind: DiffLine['kind'], text: string): DiffLine {
  return { kind, text };
}
