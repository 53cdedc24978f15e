/** First steps of a new user, in the panel: tag, run, look at the report. Shown once, and again on demand. */

import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import { checkIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { Signal, type ISignal } from '@lumino/signaling';
import { useEffect, useRef, type KeyboardEvent, type ReactElement } from 'react';
import { CommandIds } from '../commands';
import { About } from '../controls/about';
import type { NotebookPipeline } from '../runs/pipeline';
import { isActive } from '../runs/state';

const STATE_KEY = 'jupyter-pipe:tour';

/** Whether the first steps are shown, which is remembered for the user. */
export class FirstSteps {
  // Unknown until the state has been read: the card must not flash up for those who closed it.
  private open = false;
  private asked = false;
  private readonly changedSignal = new Signal<this, void>(this);

  constructor(private readonly state: IStateDB | null) {
    void state?.fetch(STATE_KEY).then(seen => seen === undefined && this.set(true));
  }

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get isOpen(): boolean {
    return this.open;
  }

  /** Show them to somebody who asked for them, and who shall stand in them; also to those who closed them. */
  start(): void {
    this.asked = true;
    this.set(true);
  }

  close(): void {
    if (this.open) {
      void this.state?.save(STATE_KEY, 'closed');
      this.set(false);
    }
  }

  /** Whether the card was asked for and has not taken the focus since; asking answers no from then on. */
  takeFocus(): boolean {
    const { asked } = this;
    this.asked = false;
    return asked;
  }

  private set(isOpen: boolean): void {
    this.open = isOpen;
    this.changedSignal.emit();
  }
}

/** How far the user has come with this notebook: 0 nothing tagged, 1 tagged, 2 run to an end. */
export function stepOf(hasStages: boolean, hasRun: boolean): 0 | 1 | 2 {
  return hasRun ? 2 : hasStages ? 1 : 0;
}

interface Step {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly command: string;
}

function stepsIn(trans: TranslationBundle): readonly Step[] {
  return [
    {
      title: trans.__('Tag'),
      text: trans.__('Put cells into stages: press Alt S on a cell, or let stages be suggested.'),
      action: trans.__('Suggest stages'),
      command: CommandIds.suggestStages
    },
    {
      title: trans.__('Compile and run'),
      text: trans.__('Stages that do not need each other run at the same time. Their states stand on the cells.'),
      action: trans.__('Compile and run'),
      command: CommandIds.compileAndRun
    },
    {
      title: trans.__('Open the report'),
      text: trans.__('Graph, times, metrics and outputs on one page, to read and to pass on.'),
      action: trans.__('Open report'),
      command: CommandIds.openReport
    }
  ];
}

interface TourProps {
  readonly pipeline: NotebookPipeline;
  readonly commands: CommandRegistry;
  readonly steps: FirstSteps;
  readonly trans: TranslationBundle;
}

export function Tour({ pipeline, commands, steps, trans }: TourProps): ReactElement | null {
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    if (card.current && steps.takeFocus()) {
      card.current.focus();
    }
  });
  if (!steps.isOpen) {
    return null;
  }
  const { run } = pipeline;
  const at = stepOf(pipeline.stages.outline.stages.length > 0, run !== null && !isActive(run));
  const all = stepsIn(trans);
  const { command, action } = all[at];
  const canAct = commands.hasCommand(command) && commands.isEnabled(command);
  const close = () => {
    // Whoever closes it by a key stands on the panel's main button, and not nowhere.
    card.current?.parentElement?.querySelector<HTMLElement>('.jp-pipe-Toolbar .jp-pipe-Button')?.focus();
    steps.close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      close();
    }
  };
  return (
    <section ref={card} className="jp-pipe-Tour" tabIndex={-1} aria-label={trans.__('First steps')} onKeyDown={onKeyDown}>
      <p className="jp-pipe-Strip-line">
        <strong>{trans.__('First steps')}</strong>
        <span className="jp-pipe-second" role="status">
          {trans.__('%1 of %2', at + 1, all.length)}
          <span className="jp-pipe-hidden">{all[at].title}</span>
        </span>
      </p>
      <ol>
        {all.map((step, index) => (
          <li key={step.title} aria-current={index === at ? 'step' : undefined} data-done={index < at}>
            {step.title}
            {index < at && <checkIcon.react tag="span" title={trans.__('done')} />}
            {index === at && <p className="jp-pipe-second">{step.text}</p>}
          </li>
        ))}
      </ol>
      <div className="jp-pipe-Actions">
        <button
          type="button"
          className="jp-pipe-Button"
          // Not `disabled`, which would take the focus away while the run goes on.
          aria-disabled={!canAct}
          onClick={() => void (canAct && commands.execute(command))}
        >
          {action}
        </button>
        <button type="button" className="jp-pipe-Link" onClick={() => void commands.execute(CommandIds.help)}>
          {trans.__('Shortcuts')}
        </button>
        <button type="button" className="jp-pipe-Link" title={trans.__('Skip the first steps (Esc)')} onClick={close}>
          {trans.__('Skip')}
        </button>
        <About client={pipeline.client} page="tutorial" subject={trans.__('the tutorial')} trans={trans} />
      </div>
    </section>
  );
}
