/** The form of the active cell's stage in the property inspector. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTools, NotebookTools } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { PanelLayout } from '@lumino/widgets';
import type { ReactElement } from 'react';
import { CommandIds } from '../commands';
import type { NotebookStages } from '../notebook/stages';
import { StageOptions } from '../picker/options';
import { describeFlow, variablesOf } from '../runs/flow';
import { IPipelines, IStages } from '../tokens';

export const properties: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:properties',
  description: 'The stage of the active cell in the property inspector.',
  autoStart: true,
  requires: [IStages, INotebookTools],
  optional: [IPipelines, ITranslator],
  activate: (
    app,
    stages: IStages,
    tools: INotebookTools,
    pipelines: IPipelines | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    tools.addSection({ sectionName: 'jupyter-pipe', label: trans.__('Pipeline Stage'), rank: 5 });
    const tool = new StageTool(new StageForm(stages, pipelines, app.commands, trans));
    tools.addItem({ tool, section: 'jupyter-pipe' });
  }
};

class StageTool extends NotebookTools.Tool {
  constructor(private readonly form: StageForm) {
    super();
    const layout = new PanelLayout();
    layout.addWidget(form);
    this.layout = layout;
  }

  protected override onActiveCellChanged(): void {
    this.form.update();
  }

  protected override onActiveNotebookPanelChanged(): void {
    this.form.follow();
  }
}

class StageForm extends ReactWidget {
  private followed: NotebookStages | null = null;

  constructor(
    private readonly models: IStages,
    private readonly pipelines: IPipelines | null,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super();
    models.currentChanged.connect(() => this.follow());
  }

  follow(): void {
    const { current } = this.models;
    if (current !== this.followed) {
      this.followed?.changed.disconnect(this.update, this);
      current?.changed.connect(this.update, this);
      this.followed = current;
    }
    this.update();
  }

  protected override render(): ReactElement {
    const { trans, followed: stages } = this;
    const name = stages?.activeCell?.stage;
    const stage = stages?.outline.stages.find(candidate => candidate.name === name);
    if (!stages || !stage) {
      return (
        <div className="jp-pipe-Empty">
          <p>{trans.__('This cell belongs to no stage.')}</p>
          <button
            type="button"
            className="jp-pipe-Link"
            disabled={!stages?.activeCell}
            onClick={() => void this.commands.execute(CommandIds.pickStage)}
          >
            {trans.__('Put into stage…')}
          </button>
        </div>
      );
    }
    const compiled = this.pipelines?.of(stages.panel).pipeline ?? null;
    return (
      <StageOptions
        // What is typed belongs to one stage as it stands: another one, or a change, begins anew.
        key={`${stage.name} ${JSON.stringify(stage.settings)}`}
        {...{ stages, stage, trans }}
        variables={variablesOf(compiled, stage.name)}
        summary={describeFlow(compiled, stage.name, trans)}
        close={() => this.update()}
      />
    );
  }
}
