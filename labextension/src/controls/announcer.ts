/** Two live regions that nobody sees: what is said calmly, at most once in five seconds, and what is urgent. */

import type { IDisposable } from '@lumino/disposable';
import type { Sentence } from '../runs/sentences';

const PAUSE_MS = 5000;

export class Announcer implements IDisposable {
  private readonly calm = region('polite');
  private readonly urgent = region('assertive');
  private waiting: string | null = null;
  private timer = 0;

  constructor() {
    document.body.append(this.calm, this.urgent);
  }

  get isDisposed(): boolean {
    return !this.calm.isConnected;
  }

  /** Say it: at once if it is urgent or all is quiet. Of what comes too fast, the last is said. */
  say({ text, isUrgent }: Sentence): void {
    if (isUrgent) {
      this.urgent.textContent = text;
      this.waiting = null;
    } else if (this.timer === 0) {
      this.utter(text);
    } else {
      this.waiting = text;
    }
  }

  dispose(): void {
    window.clearTimeout(this.timer);
    this.calm.remove();
    this.urgent.remove();
  }

  private utter(text: string): void {
    this.calm.textContent = text;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      const next = this.waiting;
      this.waiting = null;
      if (next !== null) {
        this.utter(next);
      }
    }, PAUSE_MS);
  }
}

function region(kind: 'polite' | 'assertive'): HTMLElement {
  const node = document.createElement('div');
  node.className = 'jp-pipe-hidden';
  node.setAttribute('aria-live', kind);
  node.dataset.pipeSays = kind;
  return node;
}
