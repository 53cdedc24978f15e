/** The graph as a tab of the main area: every stage with its name, room to zoom. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReactElement } from 'react';
import { FrameWidget } from '../controls/widget';
import { pipelineIcon } from '../icons';
import { GraphBody } from '../panels/graph/body';
import type { NotebookPipeline } from '../runs/pipeline';

class LargeGraph extends FrameWidget {
  constructor(
    private readonly pipeline: NotebookPipeline,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-pipe-LargeGraph');
    pipeline.changed.connect(this.drawSoon, this);
  }

  protected override render(): ReactElement {
    const { pipeline, commands, trans } = this;
    return <GraphBody {...{ pipeline, commands, trans }} isLarge />;
  }
}

export function makeGraph(pipeline: NotebookPipeline, commands: CommandRegistry, trans: TranslationBundle): MainAreaWidget {
  const widget = new MainAreaWidget({ content: new LargeGraph(pipeline, commands, trans) });
  widget.id = `jupyter-pipe-graph-${pipeline.stages.panel.id}`;
  widget.title.label = trans.__('Graph of %1', pipeline.name);
  widget.title.icon = pipelineIcon;
  widget.title.closable = true;
  pipeline.stages.panel.disposed.connect(() => widget.dispose());
  return widget;
}
