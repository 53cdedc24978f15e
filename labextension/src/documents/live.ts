/** What the running stage prints, as it prints it: a pane that follows the run from stage to stage. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { pipelineIcon } from '../icons';
import type { NotebookPipeline } from '../runs/pipeline';

const PAUSE_MS = 500;
/** Who has scrolled up is reading, and is not taken to the end. */
const NEAR_END = 24;

export class LiveOutput extends Widget {
  private readonly select = document.createElement('select');
  private readonly text = document.createElement('pre');
  /** The stage that is shown; empty follows the one that runs. */
  private chosen = '';
  private shown = '';
  private offset = 0;
  private isReading = false;
  private timer = 0;

  constructor(
    private readonly pipeline: NotebookPipeline,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-pipe-Live');
    this.select.setAttribute('aria-label', trans.__('Stage'));
    this.select.addEventListener('change', () => {
      this.chosen = this.select.value;
      void this.read();
    });
    this.text.tabIndex = 0;
    this.text.setAttribute('role', 'log');
    this.text.setAttribute('aria-label', trans.__('Output of the stage'));
    this.node.append(this.select, this.text);
    pipeline.changed.connect(this.follow, this);
    this.timer = window.setInterval(() => this.pipeline.isRunning && void this.read(), PAUSE_MS);
    this.follow();
  }

  override dispose(): void {
    window.clearInterval(this.timer);
    super.dispose();
  }

  /** The stage to show: the chosen one, else the first that runs, else the one that was shown. */
  private get stage(): string {
    const running = this.pipeline.run?.stages.find(stage => stage.state === 'running');
    return this.chosen || running?.name || this.shown.split(' ')[1] || (this.pipeline.run?.stages[0]?.name ?? '');
  }

  private follow(): void {
    const names = this.pipeline.run?.stages.map(stage => stage.name) ?? [];
    if ([...this.select.options].slice(1).map(option => option.value).join() !== names.join()) {
      const options = names.map(name => new Option(name, name));
      this.select.replaceChildren(new Option(this.trans.__('The stage that runs'), ''), ...options);
      this.select.value = this.chosen;
    }
    void this.read();
  }

  private async read(): Promise<void> {
    const { run } = this.pipeline;
    const { stage } = this;
    if (!run || !stage || this.isReading || this.isDisposed) {
      return;
    }
    const key = `${run.run_id} ${stage}`;
    if (key !== this.shown) {
      this.shown = key;
      this.offset = 0;
      this.text.textContent = '';
      this.text.dataset.stage = stage;
    }
    this.isReading = true;
    const chunk = await this.pipeline.client.log(this.pipeline.history.address(run.run_id), this.offset, stage).catch(() => null);
    this.isReading = false;
    if (chunk?.text && key === this.shown) {
      const isAtEnd = this.text.scrollTop + this.text.clientHeight > this.text.scrollHeight - NEAR_END;
      this.text.append(chunk.text);
      this.offset = chunk.next_offset;
      this.text.scrollTop = isAtEnd ? this.text.scrollHeight : this.text.scrollTop;
    }
  }
}

export function makeLiveOutput(pipeline: NotebookPipeline, trans: TranslationBundle): MainAreaWidget {
  const widget = new MainAreaWidget({ content: new LiveOutput(pipeline, trans) });
  widget.id = `jupyter-pipe-live-${pipeline.stages.panel.id}`;
  widget.title.label = trans.__('Output of %1', pipeline.name);
  widget.title.icon = pipelineIcon;
  widget.title.closable = true;
  pipeline.stages.panel.disposed.connect(() => widget.dispose());
  return widget;
}
