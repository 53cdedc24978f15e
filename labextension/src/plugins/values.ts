/** Looking at the values that a stage left: from its menu, its row, or an edge of the graph. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { CommandIds } from '../commands';
import { openTab } from '../controls/opening';
import { IPipelines } from '../tokens';

export const values: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:values',
  description: 'Shows what is in the values that a stage left.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ITranslator, ICommandPalette],
  activate: (app, pipelines: IPipelines, translator: ITranslator | null, palette: ICommandPalette | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const asked = (args: ReadonlyPartialJSONObject) => {
      const pipeline = pipelines.current;
      const stage = typeof args.stage === 'string' ? args.stage : pipeline?.stages.activeCell?.stage;
      const runId = typeof args.runId === 'string' ? args.runId : pipeline?.run?.run_id;
      return pipeline && stage && runId ? { pipeline, stage, runId } : null;
    };
    app.commands.addCommand(CommandIds.showValues, {
      label: trans.__('Show Values'),
      caption: trans.__('What the stage left: rows, columns, pictures'),
      isEnabled: args => asked(args) !== null,
      execute: async args => {
        const found = asked(args);
        if (found) {
          const { pipeline, stage, runId } = found;
          const { findValues, makeValues } = await import('../values/document');
          const first = typeof args.name === 'string' ? args.name : null;
          const subject = { run: pipeline.history.address(runId), stage, first };
          openTab(app, findValues(app.shell.widgets('main'), subject) ?? makeValues(subject, pipeline.client, trans));
        }
      }
    });
    palette?.addItem({ command: CommandIds.showValues, category: trans.__('Pipelines') });
  }
};
