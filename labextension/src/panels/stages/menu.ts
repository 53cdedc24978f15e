/** The menu of a stage, in the list and in the graph. */

import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';
import { CommandIds } from '../../commands';

const GROUPS: readonly (readonly string[])[] = [
  [CommandIds.goToStage, CommandIds.runStage, CommandIds.runFrom],
  [CommandIds.toggleOutputs, CommandIds.openExecuted, CommandIds.openLog, CommandIds.debugStage],
  [CommandIds.stageOptions, CommandIds.renameStage, CommandIds.removeStage]
];

export function openStageMenu(commands: CommandRegistry, stage: string, anchor: HTMLElement | null): void {
  const menu = new Menu({ commands });
  GROUPS.forEach((group, index) => {
    if (index > 0) {
      menu.addItem({ type: 'separator' });
    }
    for (const command of group.filter(id => commands.hasCommand(id))) {
      menu.addItem({ command, args: { stage } });
    }
  });
  const at = anchor?.getBoundingClientRect();
  menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
  menu.open(at?.left ?? 0, at?.bottom ?? 0);
}
