/** The menu of a block of cells: choose or name a stage, use the cells otherwise, split, rename. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, checkIcon, closeIcon, runIcon, settingsIcon, type LabIcon } from '@jupyterlab/ui-components';
import { useState, type KeyboardEvent, type ReactElement } from 'react';
import { ColourSquare } from '../controls/marks';
import type { NotebookStages } from '../notebook/stages';
import { findNameProblem, normaliseName } from '../stages/tags';
import type { PickerActions } from './actions';
import { nameProblemText } from './words';

interface PickerProps {
  readonly stages: NotebookStages;
  readonly cellIds: readonly string[];
  readonly actions: PickerActions;
  readonly canRun: boolean;
  /** Shows what the run showed in a cell; null where there is no run. */
  readonly showOutput: (() => void) | null;
  readonly close: () => void;
  readonly trans: TranslationBundle;
}

interface Choice {
  readonly key: string;
  readonly label: string;
  readonly hint?: string;
  readonly icon?: LabIcon;
  readonly stage?: string;
  readonly checked?: boolean;
  /** A line stands above the first choice of a group. */
  readonly group: 'stage' | 'assign' | 'use' | 'more';
  readonly act: () => void;
}

export function StagePicker(props: PickerProps): ReactElement {
  const { trans, close } = props;
  const [text, setText] = useState('');
  const choices = listChoices(props, text);
  // By key, not by number: the stages may be read, or change, while the picker is open.
  const [active, setActive] = useState<string | null>(null);
  const index = activeIndex(choices, active, text);
  const choose = (choice: Choice | undefined) => {
    if (choice) {
      close();
      choice.act();
    }
  };
  const onKey = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: choices.length - 1 };
    if (event.key in moves) {
      event.preventDefault();
      setActive(choices[(moves[event.key] + choices.length) % choices.length]?.key ?? null);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      choose(choices[index]);
    }
  };
  const problem = text && choices.length === 0 ? nameProblemText(findNameProblem(text), trans) : '';
  return (
    <div className="jp-pipe-Picker" onKeyDown={onKey}>
      <div className="jp-pipe-Picker-search">
        <input
          className="jp-pipe-Input"
          role="combobox"
          aria-expanded
          aria-controls="jp-pipe-choices"
          aria-activedescendant={choices[index] && `jp-pipe-choice-${choices[index].key}`}
          aria-label={trans.__('Find or name a stage')}
          placeholder={trans.__('Find or name a stage')}
          value={text}
          onChange={event => {
            setText(event.target.value);
            setActive(null);
          }}
        />
      </div>
      <div id="jp-pipe-choices" role="listbox" aria-label={trans.__('Stages')}>
        {choices.map((choice, at) => (
          <ChoiceItem
            key={choice.key}
            choice={choice}
            isActive={at === index}
            isGroupStart={at > 0 && choices[at - 1].group !== choice.group}
            stages={props.stages}
            onChoose={() => choose(choice)}
          />
        ))}
      </div>
      {problem && (
        <p className="jp-pipe-Item jp-pipe-second" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

/** Until the user moves: the current stage, so that Enter changes nothing, or the best match of what is typed. */
function activeIndex(choices: readonly Choice[], active: string | null, text: string): number {
  const moved = choices.findIndex(choice => choice.key === active);
  return moved >= 0 || text ? Math.max(0, moved) : Math.max(0, choices.findIndex(choice => choice.checked));
}

function ChoiceItem(props: {
  choice: Choice;
  isActive: boolean;
  isGroupStart: boolean;
  stages: NotebookStages;
  onChoose: () => void;
}): ReactElement {
  const { choice, isActive, isGroupStart, stages, onChoose } = props;
  const Icon = choice.checked ? checkIcon : choice.icon;
  return (
    <>
      {isGroupStart && <hr aria-hidden />}
      <button
        type="button"
        role="option"
        id={`jp-pipe-choice-${choice.key}`}
        className="jp-pipe-Item"
        tabIndex={-1}
        aria-selected={choice.checked ?? false}
        data-active={isActive}
        onClick={onChoose}
      >
        <span className="jp-pipe-Item-check">{Icon && <Icon.react tag="span" width="16px" />}</span>
        {choice.stage !== undefined && <ColourSquare colour={stages.colours.of(choice.stage)} />}
        <span className="jp-pipe-Item-label">{choice.label}</span>
        <span className="jp-pipe-second">{choice.hint}</span>
      </button>
    </>
  );
}

function listChoices(props: PickerProps, text: string): Choice[] {
  const typed = normaliseName(text).toLowerCase();
  const known = stageChoices(props).filter(choice => choice.label.toLowerCase().includes(typed));
  if (!text) {
    return [...known, ...assignChoices(props), ...useChoices(props), ...moreChoices(props)];
  }
  const names = props.stages.outline.stages.map(stage => stage.name);
  return findNameProblem(text, names) ? known : [...known, newChoice(props, normaliseName(text))];
}

function stageChoices({ stages, cellIds, actions, trans }: PickerProps): Choice[] {
  const current = stages.stageOf(cellIds[0])?.stage ?? null;
  return stages.outline.stages.map(stage => ({
    key: `stage-${stage.name}`,
    label: stage.name,
    hint: trans._n('%1 cell', '%1 cells', stage.cells.length),
    stage: stage.name,
    checked: stage.name === current,
    group: 'stage',
    act: () => actions.assign(cellIds, stage.name)
  }));
}

function newChoice({ cellIds, actions, trans }: PickerProps, name: string): Choice {
  return {
    key: 'new',
    label: trans.__('New stage “%1”', name),
    icon: addIcon,
    group: 'assign',
    act: () => actions.assign(cellIds, name)
  };
}

function assignChoices({ stages, cellIds, actions, trans }: PickerProps): Choice[] {
  const place = stages.stageOf(cellIds[0]);
  const choices: Choice[] = [
    { key: 'name', label: trans.__('New stage…'), icon: addIcon, group: 'assign', act: () => actions.askName(cellIds) }
  ];
  if (place?.own) {
    choices.push({
      key: 'none',
      label: trans.__('No stage'),
      hint: trans.__('joins the stage above'),
      icon: closeIcon,
      group: 'assign',
      act: () => actions.unassign(cellIds)
    });
  }
  return choices;
}

function useChoices({ stages, cellIds, actions, trans }: PickerProps): Choice[] {
  const role = stages.stageOf(cellIds[0])?.role;
  const hints = {
    parameters: trans.__('values to set'),
    shared: trans.__('in every stage'),
    skip: trans.__('never runs')
  };
  return (['parameters', 'shared', 'skip'] as const).map(name => ({
    key: name,
    label: trans.__('Use as %1', name),
    hint: hints[name],
    checked: role === name,
    group: 'use',
    act: () => actions.useAs(cellIds, name)
  }));
}

function moreChoices({ stages, cellIds, actions, canRun, showOutput, trans }: PickerProps): Choice[] {
  const stage = stages.stageOf(cellIds[0])?.stage;
  if (!stage) {
    return [];
  }
  const choices: Choice[] = [
    {
      key: 'options',
      label: trans.__('Stage options…'),
      hint: trans.__('after, gate, retries'),
      icon: settingsIcon,
      group: 'more',
      act: () => actions.editOptions(stage)
    },
    { key: 'split', label: trans.__('Split stage here'), hint: 'Alt Shift S', group: 'more', act: () => actions.split(cellIds[0]) },
    { key: 'rename', label: trans.__('Rename stage…'), hint: 'F2', group: 'more', act: () => actions.rename(stage) }
  ];
  if (canRun) {
    choices.push({
      key: 'run',
      label: trans.__('Run with what it needs'),
      icon: runIcon,
      group: 'more',
      act: () => actions.runStage(stage)
    });
  }
  if (showOutput) {
    choices.push({ key: 'output', label: trans.__('Run output, on or off'), hint: 'Alt O', group: 'more', act: showOutput });
  }
  return choices;
}
