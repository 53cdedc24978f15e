/** A menu below what was pressed. Whoever came by keyboard stands afterwards where they stood. */

import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { Menu } from '@lumino/widgets';

/** Where a right click was. */
export interface Pointer {
  readonly clientX: number;
  readonly clientY: number;
}

/** A command, alone or with what it needs to know besides what the menu is about. */
export type Entry = string | readonly [command: string, args: ReadonlyJSONObject];

/** Groups of commands with a line between them; what is not registered is left out. */
export function openMenu(
  commands: CommandRegistry,
  groups: readonly (readonly Entry[])[],
  anchor: Element | null,
  args: ReadonlyJSONObject = {},
  pointer: Pointer | null = null
): void {
  const menu = new Menu({ commands });
  groups.forEach((group, index) => {
    if (index > 0) {
      menu.addItem({ type: 'separator' });
    }
    for (const entry of group) {
      const [command, more] = typeof entry === 'string' ? [entry, {}] : entry;
      if (commands.hasCommand(command)) {
        menu.addItem({ command, args: { ...args, ...more } });
      }
    }
  });
  const before = document.activeElement;
  menu.aboutToClose.connect(() => requestAnimationFrame(() => close(menu, before)));
  const at = anchor?.getBoundingClientRect();
  menu.open(pointer?.clientX ?? at?.left ?? 0, pointer?.clientY ?? at?.bottom ?? 0);
}

/** A command may have moved the focus: then it stays there. */
function close(menu: Menu, before: Element | null): void {
  menu.dispose();
  if (document.activeElement === document.body && (before instanceof HTMLElement || before instanceof SVGElement)) {
    before.focus();
  }
}
