/** The label on a block of cells: square, name, state, short text, caret. A button. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import type { StageRun } from '../api/types';
import { stateShape } from '../icons';
import { detailOf, formatSeconds, markOf, wordOf, type Mark } from '../runs/state';

const HEADER_CLASS = 'jp-pipe-Header';

export interface ChipContent {
  readonly name: string;
  readonly colour: number | null;
  readonly run: StageRun | null;
  readonly isStale: boolean;
  /** How many cells the stage would have, if it is only suggested. */
  readonly suggestedCells: number | null;
  readonly isReadOnly: boolean;
}

export class Chip implements IDisposable {
  readonly node = document.createElement('button');
  private shown = '';
  // Made once and changed in place: new boxes that clip what they hold would be sorted into layers anew.
  private readonly square = part('jp-pipe-Square');
  private readonly name = part('jp-pipe-Chip-name');
  private readonly icon = part('jp-pipe-state');
  private readonly text = part('jp-pipe-Chip-text');
  private readonly caret = caretDownIcon.element({ tag: 'span', className: 'jp-pipe-Chip-caret', width: '12px' });

  constructor(
    private readonly header: HTMLElement,
    open: (node: HTMLElement) => void,
    private readonly trans: TranslationBundle
  ) {
    this.icon.innerHTML = '<svg viewBox="0 0 16 16" fill="none"></svg>';
    this.node.type = 'button';
    this.node.className = 'jp-pipe-Chip';
    this.node.setAttribute('aria-haspopup', 'dialog');
    this.node.addEventListener('click', event => {
      event.stopPropagation();
      open(this.node);
    });
    // The notebook selects cells and moves focus on mouse down, before the click.
    this.node.addEventListener('mousedown', event => event.stopPropagation());
    header.classList.add(HEADER_CLASS);
    header.append(this.node);
  }

  get isDisposed(): boolean {
    return !this.node.isConnected;
  }

  /** Show the content; nothing is touched if it is what is shown. */
  show(content: ChipContent): void {
    const mark = markFor(content);
    const text = mark ? this.textFor(content, mark) : this.countFor(content);
    const isSuggested = content.suggestedCells !== null;
    const key = JSON.stringify([content.name, content.colour, mark, text, content.isReadOnly, isSuggested]);
    if (key === this.shown) {
      return;
    }
    this.shown = key;
    this.node.dataset.pipeColour = content.colour === null ? 'grey' : String(content.colour);
    this.node.dataset.stage = content.name;
    this.node.dataset.pipeSuggested = String(isSuggested);
    this.node.disabled = content.isReadOnly;
    this.node.title = content.isReadOnly ? this.trans.__('The notebook is read-only.') : '';
    const said = mark ? this.trans.__('%1, stage %2, %3', wordOf(mark, this.trans), content.name, text) : '';
    const named = isSuggested ? this.trans.__('Suggested stage %1', content.name) : this.trans.__('Stage %1', content.name);
    this.node.setAttribute('aria-label', said || named);
    this.draw(content, mark, text);
  }

  dispose(): void {
    this.header.classList.remove(HEADER_CLASS);
    this.node.remove();
  }

  private draw(content: ChipContent, mark: Mark | null, text: string): void {
    const { square, name, icon, caret } = this;
    if (name.textContent !== content.name) {
      name.textContent = content.name;
    }
    if (mark && icon.dataset.state !== mark) {
      icon.dataset.state = mark;
      icon.children[0].innerHTML = stateShape(mark);
    }
    if (this.text.textContent !== text) {
      this.text.textContent = text;
    }
    const parts = [square, name, mark && icon, text && this.text, content.isReadOnly ? null : caret].filter(isNode);
    if (parts.length !== this.node.children.length || parts.some((each, at) => this.node.children[at] !== each)) {
      this.node.replaceChildren(...parts);
    }
  }

  private countFor({ suggestedCells: count }: ChipContent): string {
    return count ? this.trans._n('%1 cell', '%1 cells', count) : '';
  }

  private textFor(content: ChipContent, mark: Mark): string {
    const { run } = content;
    if (!run || mark === 'stale') {
      return wordOf(mark, this.trans);
    }
    if (run.state === 'succeeded') {
      return formatSeconds(run.seconds);
    }
    const detail = detailOf(run, this.trans);
    return detail ? `${wordOf(mark, this.trans)} · ${detail}` : wordOf(mark, this.trans);
  }
}

function markFor(content: ChipContent): Mark | null {
  if (content.isStale) {
    return 'stale';
  }
  return content.run ? markOf(content.run) : null;
}

function part(className: string): HTMLElement {
  const node = document.createElement('span');
  node.className = className;
  return node;
}

function isNode(part: HTMLElement | string | null): part is HTMLElement {
  return part instanceof HTMLElement;
}
