/** A section of the side panel: a widget that draws the active notebook's pipeline again and again. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import { Signal, type ISignal } from '@lumino/signaling';
import type { ReactElement } from 'react';
import { FrameWidget } from '../controls/widget';
import type { NotebookPipeline } from '../runs/pipeline';
import type { IPipelines } from '../tokens';

/** What every section's body gets. */
export interface BodyProps {
  readonly pipeline: NotebookPipeline;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
}

export interface SectionOptions {
  readonly pipelines: IPipelines;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
  readonly name: string;
  readonly title: string;
  readonly Body: (props: BodyProps) => ReactElement;
  /** What stands right in the title: a count. */
  readonly summary?: (pipeline: NotebookPipeline, trans: TranslationBundle) => string;
}

export class Section extends FrameWidget {
  private followed: NotebookPipeline | null = null;
  private header: HTMLElement | null = null;
  private height = 0;
  private readonly resizedSignal = new Signal<this, void>(this);
  private readonly observer = new ResizeObserver(([{ borderBoxSize }]) => {
    this.height = Math.ceil(borderBoxSize[0].blockSize);
    this.resizedSignal.emit();
  });

  constructor(private readonly options: SectionOptions) {
    super();
    this.id = `jp-pipe-section-${options.name}`;
    this.addClass('jp-pipe-Section');
    this.addClass(`jp-pipe-Section-${options.name}`);
    this.title.label = options.title;
    options.pipelines.currentChanged.connect(this.follow, this);
    this.follow();
  }

  /** What the content would like to have, in pixels: told by the browser, for asking costs a layout of the page. */
  get naturalHeight(): number {
    return this.height;
  }

  /** The natural height changed. */
  get resized(): ISignal<this, void> {
    return this.resizedSignal;
  }

  override dispose(): void {
    this.observer.disconnect();
    super.dispose();
  }

  protected override onUpdateRequest(message: Message): void {
    this.drawSummary();
    super.onUpdateRequest(message);
  }

  protected override render(): ReactElement | null {
    const { pipelines, commands, trans, Body } = this.options;
    const pipeline = pipelines.current;
    return pipeline?.stages.hasPipeline ? (
      <div ref={this.measure} className="jp-pipe-Section-content">
        <Body {...{ pipeline, commands, trans }} key={pipeline.stages.panel.id} />
      </div>
    ) : null;
  }

  private readonly measure = (content: HTMLElement | null) => {
    this.observer.disconnect();
    if (content) {
      this.observer.observe(content);
    }
  };

  private follow(): void {
    const pipeline = this.options.pipelines.current;
    if (pipeline !== this.followed) {
      this.followed?.changed.disconnect(this.drawSoon, this);
      pipeline?.changed.connect(this.drawSoon, this);
      this.followed = pipeline;
    }
    this.drawSoon();
  }

  /** The accordion draws only a label into the title; the style sheet adds the count from an attribute. */
  private drawSummary(): void {
    const { summary, trans } = this.options;
    const text = this.followed && summary ? summary(this.followed, trans) : '';
    // Looked for once: no index has this attribute, so the browser reads the whole page, 300 cells of it.
    if (!this.header?.isConnected) {
      this.header = document.querySelector<HTMLElement>(`[aria-controls="${this.id}"]`);
    }
    if (this.header && this.header.dataset.pipeSummary !== text) {
      this.header.dataset.pipeSummary = text;
    }
  }
}
