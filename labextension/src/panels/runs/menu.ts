/** The menu of a run. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import type { RunSummary } from '../../api/types';
import { CommandIds } from '../../commands';
import { openMenu, type Pointer } from '../../controls/menu';
import type { NotebookPipeline } from '../../runs/pipeline';
import { isActive } from '../../runs/state';

export const DELETE_RUN = 'jupyter-pipe:delete-run';

export function openRunMenu(
  commands: CommandRegistry,
  run: RunSummary,
  anchor: HTMLElement,
  pointer: Pointer | null = null
): void {
  const again = run.failed_stage === null ? [CommandIds.resume] : [CommandIds.resume, CommandIds.runFailed];
  const groups = isActive(run)
    ? [[CommandIds.openReport, CommandIds.openLog, CommandIds.followOutput], [CommandIds.pinRun, CommandIds.annotateRun], [CommandIds.cancel]]
    : [[CommandIds.openReport, CommandIds.openLog], again, [CommandIds.pinRun, CommandIds.annotateRun], [DELETE_RUN]];
  openMenu(commands, groups, anchor, { runId: run.run_id }, pointer);
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
