/** The button Compile and run on the notebook's toolbar, with a menu; a progress and a stop while a run is on. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, stopIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';
import { CommandIds } from '../commands';
import { StateIcon } from '../controls/marks';
import { openMenu } from '../controls/menu';
import { FrameWidget } from '../controls/widget';
import { pipelineIcon } from '../icons';
import type { NotebookPipeline } from '../runs/pipeline';
import { countStages, isActive } from '../runs/state';
import { IPipelines } from '../tokens';

export const toolbar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:toolbar',
  description: 'The button Compile and run on the notebook’s toolbar.',
  autoStart: true,
  requires: [IPipelines, IToolbarWidgetRegistry],
  optional: [ITranslator],
  activate: (app, pipelines: IPipelines, registry: IToolbarWidgetRegistry, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    registry.addFactory<NotebookPanel>('Notebook', 'jupyter-pipe-run', panel => new RunButton(app, pipelines.of(panel), trans));
  }
};

const MENU = [
  CommandIds.plan,
  CommandIds.runStage,
  CommandIds.runFrom,
  CommandIds.runWithoutCache,
  CommandIds.runOn,
  CommandIds.runTogether
];

class RunButton extends FrameWidget {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly pipeline: NotebookPipeline,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-pipe-RunButton');
    pipeline.changed.connect(this.drawSoon, this);
  }

  protected override render(): ReactElement | null {
    if (!this.pipeline.stages.hasPipeline) {
      return null;
    }
    return this.pipeline.isRunning ? this.progress() : this.button();
  }

  private button(): ReactElement {
    const { trans, pipeline } = this;
    const isMissing = pipeline.isServerMissing;
    const title = isMissing
      ? trans.__('Running needs the server extension of jupyter_pipe, which is not enabled here.')
      : trans.__('Run the notebook as a pipeline');
    return (
      <>
        <button type="button" title={title} disabled={isMissing} onClick={() => this.execute(CommandIds.compileAndRun)}>
          <pipelineIcon.react tag="span" width="16px" /> {trans.__('Compile and run')}
        </button>
        <button
          type="button"
          aria-haspopup="menu"
          aria-label={trans.__('More ways to run')}
          disabled={isMissing}
          onClick={event => openMenu(this.app.commands, [MENU], event.currentTarget)}
        >
          <caretDownIcon.react tag="span" width="12px" />
        </button>
      </>
    );
  }

  private progress(): ReactElement {
    const { trans, pipeline } = this;
    const run = pipeline.run;
    const counts = run && isActive(run) ? countStages(run) : null;
    const text = counts ? trans.__('Running, %1 of %2', counts.done, counts.total) : trans.__('Starting…');
    return (
      <>
        <button type="button" onClick={() => this.execute(CommandIds.showPanel)}>
          <StateIcon mark="running" /> {text}
        </button>
        <button
          type="button"
          title={trans.__('Cancel run')}
          aria-label={trans.__('Cancel run')}
          disabled={!counts}
          onClick={() => this.execute(CommandIds.cancel)}
        >
          <stopIcon.react tag="span" width="16px" />
        </button>
      </>
    );
  }

  private execute(command: string): void {
    void this.app.commands.execute(command);
  }
}
