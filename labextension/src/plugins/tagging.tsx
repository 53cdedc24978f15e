/** The commands that put cells into stages: picker, options, split, rename, clear, undo. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { CommandIds } from '../commands';
import { NEWS_MS } from '../controls/telling';
import type { NotebookStages } from '../notebook/stages';
import { PickerActions } from '../picker/actions';
import { StageOptions } from '../picker/options';
import { StagePicker } from '../picker/picker';
import { Popover } from '../picker/popover';
import { describeFlow, variablesOf } from '../runs/flow';
import type { NotebookPipeline } from '../runs/pipeline';
import { IPipelines, IStages } from '../tokens';

export const tagging: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:tagging',
  description: 'Commands that put cells into stages.',
  autoStart: true,
  requires: [IStages],
  optional: [IPipelines, ICommandPalette, ITranslator],
  activate: (
    app,
    stages: IStages,
    pipelines: IPipelines | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    addCommands(new Tagging(app, stages, pipelines, trans), app, trans);
    const category = trans.__('Pipelines');
    for (const command of [
      CommandIds.pickStage,
      CommandIds.splitStage,
      CommandIds.renameStage,
      CommandIds.clearStage,
      CommandIds.removeStage,
      CommandIds.stageOptions,
      CommandIds.undo
    ]) {
      palette?.addItem({ command, category });
    }
    for (const role of ['parameters', 'shared', 'skip']) {
      palette?.addItem({ command: CommandIds.useAs, category, args: { role } });
    }
  }
};

type Args = ReadonlyPartialJSONObject;

/** What the commands do, on the active notebook. */
class Tagging {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly models: IStages,
    private readonly pipelines: IPipelines | null,
    private readonly trans: TranslationBundle
  ) {}

  get stages(): NotebookStages | null {
    return this.models.current;
  }

  get canEdit(): boolean {
    return this.stages !== null && !this.stages.isReadOnly;
  }

  /** The stage that a command is about: named, or that of the active cell. */
  stageName(args: Args): string | null {
    return typeof args.stage === 'string' ? args.stage : (this.stages?.activeCell?.stage ?? null);
  }

  cellIds(args: Args): string[] {
    return typeof args.cellId === 'string' ? this.block(args.cellId) : (this.stages?.selectedIds ?? []);
  }

  actions(stages: NotebookStages): PickerActions {
    return new PickerActions(
      stages,
      this.trans,
      stage => void this.app.commands.execute(CommandIds.runStage, { stage }),
      stage => this.editOptions(stage)
    );
  }

  async pick(args: Args): Promise<void> {
    const { stages, trans } = this;
    // Before it is loaded, a notebook has no cells to pick for.
    await stages?.panel.context.ready;
    const cellIds = this.cellIds(args);
    this.explainMarkdown(cellIds);
    const anchor = stages && this.anchor(stages, cellIds[0]);
    if (!stages || !anchor || cellIds.length === 0) {
      return;
    }
    const { commands } = this.app;
    const canRun = commands.hasCommand(CommandIds.runStage);
    const hasOutput = commands.hasCommand(CommandIds.toggleOutputs) && this.pipelines?.of(stages.panel).run;
    const about = cellIds.length === 1 ? { cellId: cellIds[0] } : {};
    const showOutput = hasOutput ? () => void commands.execute(CommandIds.toggleOutputs, about) : null;
    const actions = this.actions(stages);
    const popover = new Popover(anchor, trans.__('Stage'), close => (
      <UseSignal signal={stages.changed}>
        {() => <StagePicker {...{ stages, cellIds, canRun, showOutput, close, trans, actions }} />}
      </UseSignal>
    ));
    popover.open();
  }

  useAs(args: Args): void {
    const { stages } = this;
    const cellIds = this.cellIds(args);
    this.explainMarkdown(cellIds);
    if (stages && cellIds.length > 0) {
      const role = args.role === 'shared' || args.role === 'skip' ? args.role : 'parameters';
      this.actions(stages).useAs(cellIds, role);
    }
  }

  /** Commands about cells do nothing where no code cell is selected; say so. */
  private explainMarkdown(cellIds: readonly string[]): void {
    if (this.stages && cellIds.length === 0) {
      Notification.info(this.trans.__('Text belongs to no stage. Select a code cell first.'), { autoClose: NEWS_MS });
    }
  }

  editOptions(name: string): void {
    const { stages, trans } = this;
    const stage = stages?.outline.stages.find(candidate => candidate.name === name);
    const anchor = stages && stage && this.anchor(stages, stage.cells[0].id);
    if (!stages || !stage || !anchor) {
      return;
    }
    const pipeline = this.pipeline(stages);
    const form = (close: () => void) => (
      <StageOptions
        {...{ stages, stage, close, trans }}
        variables={variablesOf(pipeline?.pipeline ?? null, name)}
        summary={describeFlow(pipeline?.pipeline ?? null, name, trans)}
      />
    );
    // What the compiler knows may arrive while the form is open.
    const popover = new Popover(anchor, trans.__('Options of %1', name), close =>
      pipeline ? <UseSignal signal={pipeline.changed}>{() => form(close)}</UseSignal> : form(close)
    );
    popover.open();
  }

  private pipeline(stages: NotebookStages): NotebookPipeline | null {
    return this.pipelines?.of(stages.panel) ?? null;
  }

  /** A chip stands for the cell that it is on; with several cells selected, for all of them. */
  private block(cellId: string): string[] {
    const selected = this.stages?.selectedIds ?? [];
    return selected.includes(cellId) ? selected : [cellId];
  }

  private anchor(stages: NotebookStages, cellId: string | undefined): HTMLElement | null {
    const cell = stages.panel.content.widgets.find(widget => widget.model.id === cellId);
    return cell?.node.querySelector<HTMLElement>('.jp-pipe-Chip') ?? cell?.editorWidget?.node ?? cell?.node ?? null;
  }
}

function addCommands(tagging: Tagging, app: JupyterFrontEnd, trans: TranslationBundle): void {
  const { commands } = app;
  const withStages = (act: (stages: NotebookStages, actions: PickerActions, args: Args) => unknown) => (args: Args) => {
    const { stages } = tagging;
    return stages ? act(stages, tagging.actions(stages), args) : undefined;
  };
  const withStage = (act: (actions: PickerActions, stage: string) => unknown) =>
    withStages((_, actions, args) => {
      const stage = tagging.stageName(args);
      return stage ? act(actions, stage) : undefined;
    });
  const isEnabled = () => tagging.canEdit;
  const hasStage = (args: Args) => tagging.canEdit && tagging.stageName(args) !== null;
  commands.addCommand(CommandIds.pickStage, {
    label: trans.__('Put into Stage…'),
    isEnabled,
    execute: args => tagging.pick(args)
  });
  commands.addCommand(CommandIds.assignStage, {
    label: args => trans.__('Put into Stage %1', String(args.stage ?? '')),
    isEnabled,
    execute: withStages((_, actions, args) => actions.assign(tagging.cellIds(args), String(args.stage)))
  });
  commands.addCommand(CommandIds.clearStage, {
    label: trans.__('Clear Stage of Cell'),
    isEnabled,
    execute: withStages((_, actions, args) => actions.unassign(tagging.cellIds(args)))
  });
  commands.addCommand(CommandIds.useAs, {
    label: args => trans.__('Use Cell as %1', String(args.role ?? '')),
    isEnabled,
    execute: args => tagging.useAs(args)
  });
  commands.addCommand(CommandIds.splitStage, {
    label: trans.__('Split Stage Here'),
    isEnabled,
    execute: withStages((_, actions, args) => tagging.cellIds(args).slice(0, 1).forEach(id => actions.split(id)))
  });
  commands.addCommand(CommandIds.renameStage, {
    label: trans.__('Rename Stage…'),
    isEnabled: hasStage,
    execute: withStage((actions, stage) => actions.rename(stage))
  });
  commands.addCommand(CommandIds.removeStage, {
    label: trans.__('Untag Whole Stage'),
    isEnabled: hasStage,
    execute: withStage((actions, stage) => actions.remove(stage))
  });
  commands.addCommand(CommandIds.stageOptions, {
    label: trans.__('Stage Options…'),
    isEnabled: hasStage,
    execute: withStage((actions, stage) => actions.editOptions(stage))
  });
  commands.addCommand(CommandIds.undo, {
    label: trans.__('Undo Change of Stages'),
    isEnabled: () => tagging.stages?.canUndo ?? false,
    execute: withStages(stages => void stages.undo())
  });
}
