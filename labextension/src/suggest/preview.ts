/** The suggestion that a notebook is being shown with, if it is: nothing of it is in the notebook yet. */

import { Signal, type ISignal } from '@lumino/signaling';
import { outline, type NotebookCell, type Outline } from '../stages/blocks';
import { StageColours } from '../stages/colours';
import type { TagEdit } from '../stages/edits';
import { applyEdits, draftEdits, type Draft } from './draft';

export class StagePreview {
  private current: Draft | null = null;
  private looking = false;
  private readonly changedSignal = new Signal<this, void>(this);

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get draft(): Draft | null {
    return this.current;
  }

  /** Whether a suggestion is being made: a long notebook takes seconds. */
  get isLooking(): boolean {
    return this.looking;
  }

  /** Show what `ask` answers, and until then that it was asked. */
  async look(ask: () => Promise<Draft | null>): Promise<void> {
    this.looking = true;
    this.changedSignal.emit();
    try {
      this.current = await ask();
    } finally {
      this.looking = false;
      this.changedSignal.emit();
    }
  }

  show(draft: Draft | null): void {
    this.current = draft;
    this.changedSignal.emit();
  }

  /** What accepting would change in these cells. */
  edits(cells: readonly NotebookCell[]): TagEdit[] {
    return this.current ? draftEdits(this.current, cells) : [];
  }

  outline(cells: readonly NotebookCell[]): Outline {
    return outline(applyEdits(cells, this.edits(cells)));
  }

  /** The colours that the stages will have: by their order, as in a notebook that has none yet. */
  static colours(stages: Outline): StageColours {
    const colours = new StageColours();
    colours.learn(stages.stages.map(stage => stage.name));
    return colours;
  }
}
