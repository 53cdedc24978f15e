/** The command that shows, below a cell, what the run showed there. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { CellOutputs } from '../cells/outputs';
import { CommandIds } from '../commands';
import { findStage } from '../runs/flow';
import type { NotebookPipeline } from '../runs/pipeline';
import { IPipelines } from '../tokens';

const PLUGIN_ID = 'jupyter-pipe:outputs';

export const outputs: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Shows what a cell showed in the run, below the cell and never in the notebook.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ISettingRegistry, ICommandPalette, ITranslator],
  activate: (
    app,
    pipelines: IPipelines,
    settings: ISettingRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    addCommand(app, new RunOutputs(pipelines, trans), trans);
    palette?.addItem({ command: CommandIds.toggleOutputs, category: trans.__('Pipelines') });
    // Its schema holds the entry of the context menu and the key.
    void settings?.load(PLUGIN_ID);
  }
};

class RunOutputs {
  private readonly known = new WeakMap<NotebookPipeline, CellOutputs>();

  constructor(
    private readonly pipelines: IPipelines,
    private readonly trans: TranslationBundle
  ) {}

  /** The cells of the stage that is named, or those that are selected; only what a run has executed. */
  cellIds(args: ReadonlyPartialJSONObject): string[] {
    const pipeline = this.pipelines.current;
    if (!pipeline?.run) {
      return [];
    }
    if (typeof args.stage === 'string') {
      return [...(findStage(pipeline.pipeline, args.stage)?.cells ?? [])];
    }
    return typeof args.cellId === 'string' ? [args.cellId] : pipeline.stages.selectedIds;
  }

  isShown(cellIds: readonly string[]): boolean {
    const known = this.current;
    return known !== null && cellIds.length > 0 && cellIds.every(id => known.isShown(id));
  }

  toggle(cellIds: readonly string[]): void {
    this.current?.toggle(cellIds);
  }

  private get current(): CellOutputs | null {
    const pipeline = this.pipelines.current;
    if (!pipeline) {
      return null;
    }
    const known = this.known.get(pipeline) ?? new CellOutputs(pipeline, this.trans);
    this.known.set(pipeline, known);
    return known;
  }
}

function addCommand({ commands }: JupyterFrontEnd, shown: RunOutputs, trans: TranslationBundle): void {
  commands.addCommand(CommandIds.toggleOutputs, {
    label: args => (shown.isShown(shown.cellIds(args)) ? trans.__('Hide Run Output') : trans.__('Show Run Output')),
    caption: trans.__('What the run showed, below the cell'),
    isEnabled: args => shown.cellIds(args).length > 0,
    execute: args => shown.toggle(shown.cellIds(args))
  });
}
