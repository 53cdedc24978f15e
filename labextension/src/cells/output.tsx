/** What a cell showed when a run executed it, below the source cell and never in the notebook. */

import { OutputAreaModel, SimplifiedOutputArea } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, ReactWidget } from '@jupyterlab/ui-components';
import { Panel } from '@lumino/widgets';
import type { ReactElement } from 'react';
import type { Run, StageRun } from '../api/types';
import { StateIcon } from '../controls/marks';
import { isActive, markOf, wordOf } from '../runs/state';
import { formatWhen } from '../runs/when';
import { joinLines, type Output } from './mime';

export interface OutputContent {
  readonly run: Run;
  readonly stage: StageRun;
  /** Null until the server has answered. */
  readonly outputs: readonly Output[] | null;
}

export class OutputWidget extends Panel {
  // Not trusted: what a run has shown may not run script here.
  private readonly model = new OutputAreaModel({ trusted: false });
  private readonly head: HeadWidget;
  private shown = '';

  constructor(rendermime: IRenderMimeRegistry, close: () => void, trans: TranslationBundle) {
    super();
    this.addClass('jp-pipe-Output');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Output of the run'));
    this.head = new HeadWidget(close, trans);
    this.addWidget(this.head);
    this.addWidget(new SimplifiedOutputArea({ model: this.model, rendermime }));
  }

  /** Outputs that are shown already are left alone: a picture must not flicker. */
  draw(content: OutputContent): void {
    const outputs = content.outputs?.map(joinLines) ?? [];
    const text = JSON.stringify(outputs);
    if (text !== this.shown) {
      this.shown = text;
      this.model.fromJSON(outputs as unknown as Parameters<OutputAreaModel['fromJSON']>[0]);
    }
    this.head.draw(content);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      super.dispose();
      this.model.dispose();
    }
  }
}

class HeadWidget extends ReactWidget {
  private content: OutputContent | null = null;

  constructor(
    private readonly leave: () => void,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-pipe-Output-head');
  }

  draw(content: OutputContent): void {
    this.content = content;
    this.update();
  }

  protected override render(): ReactElement | null {
    const { content, trans } = this;
    if (!content) {
      return null;
    }
    const { run, stage, outputs } = content;
    const mark = markOf(stage);
    const word = wordOf(mark, trans);
    const text = isActive(run)
      ? trans.__('This run: %1 %2', stage.name, word)
      : trans.__('Run of %1: %2 %3', formatWhen(new Date(run.queued * 1000), trans), stage.name, word);
    return (
      <>
        <StateIcon mark={mark} size={13} />
        <span>{text}</span>
        {outputs?.length === 0 && <span className="jp-pipe-second">{emptyText(stage, trans)}</span>}
        <button
          type="button"
          className="jp-pipe-IconButton"
          title={trans.__('Close')}
          aria-label={trans.__('Close the output of the run')}
          onClick={this.leave}
        >
          <closeIcon.react tag="span" />
        </button>
      </>
    );
  }
}

function emptyText(stage: StageRun, trans: TranslationBundle): string {
  const isOver = stage.state === 'succeeded' || stage.state === 'cached' || stage.state === 'failed';
  return isOver ? trans.__('The cell showed nothing.') : trans.__('Nothing yet.');
}
