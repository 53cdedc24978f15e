/** The menu of a run. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';
import type { RunSummary } from '../../api/types';
import { CommandIds } from '../../commands';
import type { NotebookPipeline } from '../../runs/pipeline';
import { isActive } from '../../runs/state';

export const DELETE_RUN = 'jupyter-pipe:delete-run';

export function openRunMenu(
  commands: CommandRegistry,
  run: RunSummary,
  anchor: HTMLElement
): void {
  const menu = new Menu({ commands });
  const args = { runId: run.run_id };
  const ids = isActive(run)
    ? [CommandIds.openReport, CommandIds.openLog, CommandIds.cancel]
    : [CommandIds.openReport, CommandIds.openLog, CommandIds.resume, DELETE_RUN];
  for (const command of ids.filter(id => commands.hasCommand(id))) {
    menu.addItem({ command, args });
  }
  const at = anchor.getBoundingClientRect();
  menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
  menu.open(at.left, at.bottom);
}

/** Ask, then remove the run. */
export async function deleteRun(pipeline: NotebookPipeline, runId: string, words: DeleteWords): Promise<void> {
  const answer = await showDialog({
    title: words.title,
    body: words.body,
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: words.label })]
  });
  if (answer.button.accept) {
    await pipeline.deleteRun(runId);
  }
}

interface DeleteWords {
  readonly title: string;
  readonly body: string;
  readonly label: string;
}
