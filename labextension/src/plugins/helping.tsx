/** The card of shortcuts, which leads to the first steps and to the documentation as well. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, ReactWidget } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import type { ReactElement } from 'react';
import { CommandIds } from '../commands';
import { IPipelines } from '../tokens';

export const helping: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:helping',
  description: 'A card of shortcuts, and the documentation.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ICommandPalette, ITranslator],
  activate: (app, { client }: IPipelines, palette: ICommandPalette | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    app.commands.addCommand(CommandIds.help, {
      label: trans.__('Pipeline Shortcuts'),
      execute: () => showCard(app, trans)
    });
    app.commands.addCommand(CommandIds.openDocumentation, {
      label: trans.__('Documentation of Pipelines'),
      caption: trans.__('Opens in a tab of the browser'),
      execute: () => void window.open(client.documentation('index'), '_blank', 'noopener')
    });
    for (const command of [CommandIds.help, CommandIds.openDocumentation]) {
      palette?.addItem({ command, category: trans.__('Pipelines') });
    }
  }
};


interface Line {
  readonly keys: string;
  readonly does: string;
}

async function showCard(app: JupyterFrontEnd, trans: TranslationBundle): Promise<void> {
  const button = (label: string, command: string) =>
    app.commands.hasCommand(command) && app.commands.isEnabled(command)
      ? [Dialog.createButton({ label, actions: [command] })]
      : [];
  const dialog = new Dialog({
    title: trans.__('Pipeline shortcuts'),
    body: ReactWidget.create(<Card lines={[...ownKeys(app.commands), ...fixedKeys(trans)]} trans={trans} />),
    buttons: [
      ...button(trans.__('Documentation'), CommandIds.openDocumentation),
      ...button(trans.__('First steps'), CommandIds.firstSteps),
      Dialog.okButton({ label: trans.__('Close') })
    ]
  });
  const pressed = await dialog.launch();
  await Promise.all(pressed.button.actions.map(command => app.commands.execute(command)));
}

/** What is bound to our commands now: users may have given them other keys. */
export function ownKeys(commands: CommandRegistry): Line[] {
  const bound = commands.keyBindings.filter(binding => binding.command.startsWith('jupyter-pipe:'));
  return bound.map(binding => ({
    keys: CommandRegistry.formatKeystroke(binding.keys),
    does: commands.label(binding.command, binding.args)
  }));
}

function fixedKeys(trans: TranslationBundle): Line[] {
  return [
    { keys: '↑ ↓', does: trans.__('In the list of stages: another stage') },
    { keys: '↵', does: trans.__('Go to the cell of the stage') },
    { keys: trans.__('Space'), does: trans.__('Menu of the stage') },
    { keys: 'F2', does: trans.__('Rename the stage') },
    { keys: '+ − 0', does: trans.__('In the graph: larger, smaller, all of it') },
    { keys: trans.__('Arrows'), does: trans.__('In the graph: along the edges') },
    { keys: 'V', does: trans.__('In the graph: values of the stage') }
  ];
}

function Card({ lines, trans }: { lines: readonly Line[]; trans: TranslationBundle }): ReactElement {
  return (
    <table className="jp-pipe-Keys" aria-label={trans.__('Shortcuts')}>
      <tbody>
        {lines.map(line => (
          <tr key={line.does}>
            <th scope="row">
              <kbd>{line.keys}</kbd>
            </th>
            <td>{line.does}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
