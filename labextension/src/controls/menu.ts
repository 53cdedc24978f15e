/** A menu below what was pressed. Whoever came by keyboard stands afterwards where they stood. */

import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { Menu } from '@lumino/widgets';

/** Where a right click was. */
export interface Pointer {
  readonly clientX: number;
  readonly clientY: number;
}

/** Groups of commands with a line between them; what is not registered is left out. */
export function openMenu(
  commands: CommandRegistry,
  groups: readonly (readonly string[])[],
  anchor: Element | null,
  args: ReadonlyJSONObject = {},
  pointer: Pointer | null = null
): void {
  const menu = new Menu({ commands });
  groups.forEach((group, index) => {
    if (index > 0) {
      menu.addItem({ type: 'separator' });
    }
    for (const command of group.filter(id => commands.hasCommand(id))) {
      menu.addItem({ command, args });
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
