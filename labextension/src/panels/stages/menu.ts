/** The menu of a stage, in the list and in the graph. */

import type { CommandRegistry } from '@lumino/commands';
import { CommandIds } from '../../commands';
import { openMenu, type Entry, type Pointer } from '../../controls/menu';

const GROUPS: readonly (readonly Entry[])[] = [
  [CommandIds.goToStage, CommandIds.runStage, CommandIds.runFrom],
  [CommandIds.showValues, CommandIds.toggleOutputs, CommandIds.openExecuted, CommandIds.openLog, CommandIds.debugStage],
  [CommandIds.openReport, [CommandIds.openOperations, { page: 'data' }]],
  [CommandIds.stageOptions, CommandIds.renameStage, CommandIds.removeStage]
];

export function openStageMenu(
  commands: CommandRegistry,
  stage: string,
  anchor: Element | null,
  pointer: Pointer | null = null
): void {
  openMenu(commands, GROUPS, anchor, { stage }, pointer);
}
