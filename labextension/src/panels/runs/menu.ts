/** The menu of a run. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import type { RunSummary } from '../../api/types';
import { CommandIds } from '../../commands';
import { openMenu, type Entry, type Pointer } from '../../controls/menu';
import type { NotebookPipeline } from '../../runs/pipeline';
import { isActive } from '../../runs/state';

export function openRunMenu(
  commands: CommandRegistry,
  run: RunSummary,
  anchor: HTMLElement,
  pointer: Pointer | null = null
): void {
  openMenu(commands, isActive(run) ? activeGroups() : endedGroups(run), anchor, { runId: run.run_id }, pointer);
}

function activeGroups(): Entry[][] {
  return [[CommandIds.openReport, CommandIds.openLog, CommandIds.followOutput], NOTES, [CommandIds.cancel]];
}

function endedGroups(run: RunSummary): Entry[][] {
  const again = run.failed_stage === null ? [CommandIds.resume] : [CommandIds.resume, CommandIds.runFailed];
  // A run that waits for somebody leads to the question, any other to what became of its models.
  const page = run.state === 'waiting' ? 'waiting' : 'models';
  const look = [CommandIds.openReport, CommandIds.openLog, CommandIds.compareRuns];
  return [look, [[CommandIds.openOperations, { page }]], again, NOTES, [CommandIds.deleteRun]];
}

const NOTES: Entry[] = [CommandIds.pinRun, CommandIds.annotateRun];

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
