/** A small dialog beside an element: traps focus, closes on Esc and outside clicks, gives focus back. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';

const MARGIN = 8;
const GAP = 2;
/** A popover lower than this could not be used. */
const LEAST = 120;
const FOCUSABLE = 'button:not(:disabled), input:not(:disabled), select:not(:disabled), [tabindex="0"]';

export class Popover extends ReactWidget {
  private returnFocus: Element | null = null;

  constructor(
    private readonly anchor: HTMLElement,
    label: string,
    private readonly content: (close: () => void) => ReactElement
  ) {
    super();
    this.addClass('jp-pipe-Popover');
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', label);
  }

  /** Show the popover below its anchor, or above where there is no room. */
  open(): void {
    this.returnFocus = document.activeElement;
    Widget.attach(this, document.body);
    void this.renderPromise?.then(() => {
      this.place();
      this.node.querySelector<HTMLElement>(FOCUSABLE)?.focus();
    });
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    super.dispose();
    const back = this.returnFocus;
    if (back instanceof HTMLElement && back.isConnected) {
      back.focus();
    }
  }

  protected override render(): ReactElement {
    return this.content(() => this.dispose());
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    document.addEventListener('mousedown', this.onOutside, true);
    this.node.addEventListener('keydown', this.onKey);
  }

  protected override onBeforeDetach(msg: Message): void {
    document.removeEventListener('mousedown', this.onOutside, true);
    this.node.removeEventListener('keydown', this.onKey);
    super.onBeforeDetach(msg);
  }

  private readonly onOutside = (event: MouseEvent) => {
    if (event.target instanceof Node && !this.node.contains(event.target)) {
      this.dispose();
    }
  };

  private readonly onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      event.preventDefault();
      this.dispose();
    } else if (event.key === 'Tab') {
      this.keepFocus(event);
    }
    // The notebook's own shortcuts must not see what is typed here.
    event.stopPropagation();
  };

  private keepFocus(event: KeyboardEvent): void {
    const all = [...this.node.querySelectorAll<HTMLElement>(FOCUSABLE)];
    const edge = event.shiftKey ? all[0] : all[all.length - 1];
    if (document.activeElement === edge) {
      event.preventDefault();
      (event.shiftKey ? all[all.length - 1] : all[0])?.focus();
    }
  }

  private place(): void {
    const at = this.anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.node;
    // The menu bar is never covered, and neither is the anchor where one of its sides has room.
    const first = (document.querySelector('#jp-top-panel, #menu-panel')?.getBoundingClientRect().bottom ?? 0) + MARGIN;
    const last = window.innerHeight - MARGIN;
    const roomBelow = last - at.bottom - GAP;
    const roomAbove = at.top - GAP - first;
    const isBelow = height <= roomBelow || roomBelow >= roomAbove;
    const room = Math.max(LEAST, isBelow ? roomBelow : roomAbove);
    const top = isBelow ? at.bottom + GAP : at.top - GAP - Math.min(height, room);
    this.node.style.maxHeight = `${Math.round(room)}px`;
    this.node.style.top = `${Math.max(first, Math.min(top, last - Math.min(height, room)))}px`;
    this.node.style.left = `${Math.max(MARGIN, Math.min(at.left, window.innerWidth - width - MARGIN))}px`;
  }
}
