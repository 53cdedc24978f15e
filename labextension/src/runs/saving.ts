/** What runs is exactly what is saved: brings the file up to date, or says why it cannot. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

export type SaveMode = 'save' | 'ask';

/** Whether the run may start. */
export async function ensureSaved(panel: NotebookPanel, mode: SaveMode, trans: TranslationBundle): Promise<boolean> {
  const { model, contentsModel } = panel.context;
  if (!model.dirty) {
    return true;
  }
  if (contentsModel?.writable === false || model.readOnly) {
    return confirm(
      trans.__('The notebook is read-only'),
      trans.__('Your changes cannot be saved. The notebook runs as it was last saved.'),
      trans.__('Run the saved notebook')
    );
  }
  if (mode === 'ask' && !(await confirm(trans.__('Unsaved changes'), trans.__('What runs is what is saved.'), trans.__('Save and run')))) {
    return false;
  }
  await panel.context.save();
  return !panel.context.model.dirty;
}

async function confirm(title: string, body: string, label: string): Promise<boolean> {
  const answer = await showDialog({ title, body, buttons: [Dialog.cancelButton(), Dialog.okButton({ label })] });
  return answer.button.accept;
}
