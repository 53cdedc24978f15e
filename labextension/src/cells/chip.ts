/** The label on a block of cells: square, name, state, short text, caret. A button. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import type { StageRun } from '../api/types';
import { stateSvg } from '../icons';
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

  constructor(
    private readonly header: HTMLElement,
    open: (node: HTMLElement) => void,
    private readonly trans: TranslationBundle
  ) {
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
    this.node.replaceChildren(...this.parts(content, mark, text));
  }

  dispose(): void {
    this.header.classList.remove(HEADER_CLASS);
    this.node.remove();
  }

  private parts(content: ChipContent, mark: Mark | null, text: string): Node[] {
    const parts = [part('jp-pipe-Square'), part('jp-pipe-Chip-name', content.name)];
    if (mark) {
      const icon = part('jp-pipe-state');
      icon.dataset.state = mark;
      icon.innerHTML = stateSvg(mark);
      parts.push(icon);
    }
    if (text) {
      parts.push(part('jp-pipe-Chip-text', text));
    }
    if (!content.isReadOnly) {
      parts.push(caretDownIcon.element({ tag: 'span', className: 'jp-pipe-Chip-caret', width: '12px' }));
    }
    return parts;
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

function part(className: string, text = ''): HTMLElement {
  const node = document.createElement('span');
  node.className = className;
  node.textContent = text;
  return node;
}
