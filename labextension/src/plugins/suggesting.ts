/** The commands that suggest stages, and accept or discard what was suggested. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { CommandIds } from '../commands';
import { ERROR_MS, reported } from '../controls/telling';
import { suggestIcon } from '../icons';
import { readContent } from '../notebook/content';
import type { NotebookPipeline } from '../runs/pipeline';
import { beginDraft } from '../suggest/draft';
import { IPipelines } from '../tokens';

export const suggesting: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:suggesting',
  description: 'Suggests stages for a notebook, to be looked at before they are tagged.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ICommandPalette, ITranslator],
  activate: (app, pipelines: IPipelines, palette: ICommandPalette | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    addCommands(app, pipelines, trans);
    for (const command of [CommandIds.suggestStages, CommandIds.acceptSuggestion, CommandIds.discardSuggestion]) {
      palette?.addItem({ command, category: trans.__('Pipelines') });
    }
  }
};

function addCommands(app: JupyterFrontEnd, pipelines: IPipelines, trans: TranslationBundle): void {
  const { commands } = app;
  const isPreviewing = () => Boolean(pipelines.current?.stages.preview.draft);
  commands.addCommand(CommandIds.suggestStages, {
    label: trans.__('Suggest Stages'),
    caption: trans.__('Stages from the headings and the data flow, to be looked at first'),
    icon: suggestIcon,
    isEnabled: () => canSuggest(pipelines.current),
    execute: async () => {
      if (canSuggest(pipelines.current)) {
        await commands.execute(CommandIds.showPanel);
        await suggest(pipelines.current, trans);
      }
    }
  });
  commands.addCommand(CommandIds.acceptSuggestion, {
    label: trans.__('Accept Suggested Stages'),
    isEnabled: isPreviewing,
    execute: () => accept(pipelines.current, trans)
  });
  commands.addCommand(CommandIds.discardSuggestion, {
    label: trans.__('Discard Suggested Stages'),
    isEnabled: isPreviewing,
    execute: () => leave(pipelines.current)
  });
}

function canSuggest(pipeline: NotebookPipeline | null): pipeline is NotebookPipeline {
  const stages = pipeline?.stages;
  return Boolean(stages && !pipeline.isServerMissing && !stages.isReadOnly && !stages.preview.isLooking);
}

/** Ask the server and show what it proposes. */
async function suggest({ stages, client }: NotebookPipeline, trans: TranslationBundle): Promise<void> {
  await reported(() =>
    stages.preview.look(async () => {
      const answer = await client.suggest({ path: stages.path, content: readContent(stages.panel) });
      if (answer.stages.length > 0) {
        return beginDraft(answer);
      }
      Notification.info([trans.__('No stages to suggest.'), ...answer.notes].join(' '), { autoClose: ERROR_MS });
      return null;
    })
  );
}

function accept(pipeline: NotebookPipeline | null, trans: TranslationBundle): void {
  const stages = pipeline?.stages;
  if (stages?.preview.draft) {
    const edits = stages.preview.edits(stages.cells);
    const count = stages.shown.outline.stages.length;
    stages.preview.show(null);
    stages.apply(trans._n('Tagged %1 stage', 'Tagged %1 stages', count), edits);
    stages.panel.content.node.focus();
  }
}

function leave(pipeline: NotebookPipeline | null): void {
  pipeline?.stages.preview.show(null);
  pipeline?.stages.panel.content.node.focus();
}
