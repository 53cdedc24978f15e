/** Pin, name and annotate runs. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { NoteRequest, RunSummary } from '../api/types';
import { CommandIds } from '../commands';
import { reported } from '../controls/telling';
import { titleOf } from '../panels/runs/words';
import { IPipelines } from '../tokens';

export const annotating: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:annotating',
  description: 'Pins, names and annotates runs.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ICommandPalette, ITranslator],
  activate: (app, pipelines: IPipelines, palette: ICommandPalette | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    // The run that is named, or that is shown.
    const find = (named: unknown) => {
      const runId = named ?? pipelines.current?.run?.run_id;
      return pipelines.current?.history.runs?.find(run => run.run_id === runId) ?? null;
    };
    const write = async (run: RunSummary, note: NoteRequest) => {
      await reported(async () => pipelines.current?.annotate(run.run_id, note));
    };
    app.commands.addCommand(CommandIds.pinRun, {
      label: args => (find(args.runId)?.pinned ? trans.__('Unpin Run') : trans.__('Pin Run')),
      isEnabled: args => find(args.runId) !== null,
      execute: async args => {
        const run = find(args.runId);
        if (run) {
          await write(run, { name: run.name, note: run.note, pinned: !run.pinned });
        }
      }
    });
    app.commands.addCommand(CommandIds.annotateRun, {
      label: trans.__('Name and Note…'),
      isEnabled: args => find(args.runId) !== null,
      execute: async args => {
        const run = find(args.runId);
        const asked = run && (await ask(run, trans));
        if (asked) {
          await write(run, { ...asked, pinned: run.pinned });
        }
      }
    });
    for (const command of [CommandIds.pinRun, CommandIds.annotateRun]) {
      palette?.addItem({ command, category: trans.__('Pipelines') });
    }
  }
};

class NoteForm extends Widget implements Dialog.IBodyWidget<Omit<NoteRequest, 'pinned'>> {
  private readonly name = document.createElement('input');
  private readonly note = document.createElement('textarea');

  constructor(run: RunSummary, trans: TranslationBundle) {
    super();
    this.addClass('jp-pipe-NoteForm');
    this.name.maxLength = 80;
    this.name.value = run.name;
    this.note.maxLength = 2000;
    this.note.rows = 4;
    this.note.value = run.note;
    this.node.append(labelled(trans.__('Name'), this.name), labelled(trans.__('Note'), this.note));
  }

  getValue(): Omit<NoteRequest, 'pinned'> {
    return { name: this.name.value, note: this.note.value };
  }
}

function labelled(text: string, field: HTMLElement): HTMLElement {
  const label = document.createElement('label');
  label.append(text, field);
  field.classList.add('jp-mod-styled');
  return label;
}

async function ask(run: RunSummary, trans: TranslationBundle): Promise<Omit<NoteRequest, 'pinned'> | null> {
  const answer = await showDialog({
    title: trans.__('Run of %1', titleOf(run, trans)),
    body: new NoteForm(run, trans),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Save') })]
  });
  return answer.button.accept ? answer.value : null;
}
