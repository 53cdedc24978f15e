/** Opens a `pipeline.toml` as the one pipeline of the notebooks that it lists. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IThemeManager } from '@jupyterlab/apputils';
import { ABCWidgetFactory, DocumentWidget, type DocumentRegistry } from '@jupyterlab/docregistry';
import { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { RunAddress } from '../api/client';
import { openTab } from '../controls/opening';
import { reported } from '../controls/telling';
import { JoinedView } from '../documents/joined';
import { pipelineIcon } from '../icons';
import { goToCell } from '../notebook/navigation';
import { JoinedModel } from '../runs/joined';
import { IPipelines, IStages } from '../tokens';

const FILE_TYPE = 'jupyter-pipe-list';

export const joined: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:joined',
  description: 'Shows the notebooks that a pipeline.toml lists as one graph, and runs them.',
  autoStart: true,
  requires: [IPipelines, IStages],
  optional: [ITranslator, IThemeManager],
  activate: (
    app,
    pipelines: IPipelines,
    stages: IStages,
    translator: ITranslator | null,
    themes: IThemeManager | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const { docRegistry, commands } = app;
    docRegistry.addFileType({
      name: FILE_TYPE,
      displayName: trans.__('Pipeline of notebooks'),
      pattern: '^pipeline\\.toml$',
      mimeTypes: ['application/toml'],
      fileFormat: 'text',
      contentType: 'file',
      icon: pipelineIcon
    });
    const open = (path: string, cellId: string | null = null, line: number | null = null) =>
      void reported(async () => {
        const widget: unknown = await commands.execute('docmanager:open', { path });
        if (cellId && widget instanceof NotebookPanel) {
          await widget.context.ready;
          await widget.revealed;
          await goToCell(stages.of(widget), cellId, line);
        }
      });
    const showReport = (run: RunAddress, name: string) =>
      void reported(async () => {
        const { makeReport } = await import('../documents/report');
        openTab(app, await makeReport(pipelines.client, run, trans.__('Report of %1', name), themes));
      });
    const make = (context: DocumentRegistry.Context) => {
      const model = new JoinedModel(pipelines.client, pipelines.feed, context);
      themes?.themeChanged.connect(() => void model.draw(), model);
      return new JoinedView(model, { open, showReport, trans });
    };
    docRegistry.addWidgetFactory(new JoinedFactory(make, trans.__('Pipeline of Notebooks')));
  }
};

class JoinedFactory extends ABCWidgetFactory<DocumentWidget<JoinedView>> {
  constructor(
    private readonly make: (context: DocumentRegistry.Context) => JoinedView,
    label: string
  ) {
    super({ name: label, fileTypes: [FILE_TYPE], defaultFor: [FILE_TYPE] });
  }

  protected override createNewWidget(context: DocumentRegistry.Context): DocumentWidget<JoinedView> {
    const widget = new DocumentWidget({ content: this.make(context), context });
    widget.title.icon = pipelineIcon;
    return widget;
  }
}
