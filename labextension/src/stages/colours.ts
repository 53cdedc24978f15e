/**
 * Which of the eight colours a stage wears. A stage keeps its number while the notebook is open, so
 * that an inserted stage does not repaint the others.
 */

const COLOURS = 8;
const STYLES = ['solid', 'double', 'dashed'] as const;

export interface StageColour {
  /** From 1 to 8, as in the style sheet's `--jp-pipe-stage-N`. */
  readonly number: number;
  readonly style: (typeof STYLES)[number];
}

/** Each look once, so that views compare by identity. */
const LOOKS = STYLES.flatMap(style => Array.from({ length: COLOURS }, (_, index): StageColour => ({ number: index + 1, style })));

export class StageColours {
  private readonly numbers = new Map<string, number>();

  /** Give numbers to stages that have none yet, in the order given. */
  learn(stages: readonly string[]): void {
    for (const stage of stages) {
      if (!this.numbers.has(stage)) {
        this.numbers.set(stage, this.numbers.size);
      }
    }
  }

  /** A renamed stage keeps its colour. */
  rename(from: string, to: string): void {
    const number = this.numbers.get(from);
    if (number !== undefined && !this.numbers.has(to)) {
      this.numbers.set(to, number);
    }
  }

  /** The colour of a stage that has one: what is not a stage of the tags wears none. */
  find(stage: string): StageColour | null {
    return this.numbers.has(stage) ? this.of(stage) : null;
  }

  of(stage: string): StageColour {
    this.learn([stage]);
    return LOOKS[(this.numbers.get(stage) ?? 0) % LOOKS.length];
  }
}
