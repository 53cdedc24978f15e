/** Three steps for a new user, in the panel until they are closed: tag, run, look. */

import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { useEffect, useState, type ReactElement } from 'react';
import { CommandIds } from '../commands';
import type { NotebookPipeline } from '../runs/pipeline';

const STATE_KEY = 'jupyter-pipe:tour';

interface TourProps {
  readonly pipeline: NotebookPipeline;
  readonly commands: CommandRegistry;
  readonly state: IStateDB | null;
  readonly trans: TranslationBundle;
}

/** How far the user has come with this notebook: 0 nothing tagged, 1 tagged, 2 run. */
export function stepOf(hasStages: boolean, hasRun: boolean): 0 | 1 | 2 {
  return hasRun ? 2 : hasStages ? 1 : 0;
}

export function Tour({ pipeline, commands, state, trans }: TourProps): ReactElement | null {
  // Unknown until the state has been read: the card must not flash up for those who closed it.
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    void state?.fetch(STATE_KEY).then(seen => setOpen(seen === undefined));
  }, [state]);
  if (!isOpen) {
    return null;
  }
  const close = () => {
    setOpen(false);
    void state?.save(STATE_KEY, 'closed');
  };
  const step = stepOf(pipeline.stages.outline.stages.length > 0, pipeline.run !== null);
  const steps = [
    trans.__('Put cells into stages: press Alt S on a cell, or let stages be suggested.'),
    trans.__('Compile and run: stages that do not need each other run at the same time.'),
    trans.__('Look: states on the cells, values and outputs from the menus, and the report.')
  ];
  return (
    <section className="jp-pipe-Tour" aria-label={trans.__('First steps')}>
      <div className="jp-pipe-Strip-line">
        <strong>{trans.__('First steps')}</strong>
        <span className="jp-pipe-Spacer" />
        <button type="button" className="jp-pipe-IconButton" aria-label={trans.__('Close the first steps')} onClick={close}>
          <closeIcon.react tag="span" />
        </button>
      </div>
      <ol>
        {steps.map((text, index) => (
          <li key={text} aria-current={index === step ? 'step' : undefined} data-done={index < step}>
            {text}
          </li>
        ))}
      </ol>
      <div className="jp-pipe-Actions">
        <button type="button" className="jp-pipe-Link" onClick={() => void commands.execute(CommandIds.help)}>
          {trans.__('Shortcuts')}
        </button>
      </div>
    </section>
  );
}
