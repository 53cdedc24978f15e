/** What can be done to stages, each one undoable edit. Dialogs ask for names. */

import { Dialog, InputDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { NotebookStages } from '../notebook/stages';
import * as edits from '../stages/edits';
import { findNameProblem, normaliseName, type Role } from '../stages/tags';
import { nameProblemText } from './words';

export class PickerActions {
  constructor(
    private readonly stages: NotebookStages,
    private readonly trans: TranslationBundle,
    readonly runStage: (stage: string) => void,
    readonly editOptions: (stage: string) => void
  ) {}

  assign(cellIds: readonly string[], stage: string): void {
    const changes = edits.assignStage(this.stages.cells, cellIds, stage);
    this.stages.apply(this.trans._n('Put %1 cell into %2', 'Put %1 cells into %2', changes.length, stage), changes);
  }

  unassign(cellIds: readonly string[]): void {
    const changes = edits.unassign(this.stages.cells, cellIds);
    this.stages.apply(this.trans._n('Cleared %1 cell', 'Cleared %1 cells', changes.length), changes);
  }

  useAs(cellIds: readonly string[], role: Exclude<Role, 'leading'>): void {
    const changes = edits.assignRole(this.stages.cells, cellIds, role);
    this.stages.apply(this.trans.__('Tagged as %1', role), changes);
  }

  split(cellId: string): void {
    const name = edits.nameForSplit(this.stages.cells, this.stages.stageOf(cellId)?.stage ?? null);
    const changes = edits.splitStage(this.stages.cells, cellId, name);
    this.stages.apply(this.trans.__('Began stage %1', name), changes);
  }

  remove(stage: string): void {
    const changes = edits.removeStage(this.stages.cells, stage);
    this.stages.apply(this.trans.__('Cleared stage %1', stage), changes);
  }

  async askName(cellIds: readonly string[]): Promise<void> {
    const name = await this.ask(this.trans.__('New stage'), '', this.names);
    if (name) {
      this.assign(cellIds, name);
    }
  }

  async rename(stage: string): Promise<void> {
    const others = this.names.filter(name => name !== stage);
    const name = await this.ask(this.trans.__('Rename stage %1', stage), stage, others);
    if (!name || name === stage) {
      return;
    }
    this.stages.colours.rename(stage, name);
    const changes = edits.renameStage(this.stages.cells, stage, name);
    const label = this.trans._n('Renamed %2 to %3 in %1 cell', 'Renamed %2 to %3 in %1 cells', changes.length, stage, name);
    this.stages.apply(label, changes);
  }

  private get names(): string[] {
    return this.stages.outline.stages.map(stage => stage.name);
  }

  /** Ask until the name is one that no other stage has, or the user gives up. */
  private async ask(title: string, text: string, others: readonly string[]): Promise<string | null> {
    let problem = '';
    for (;;) {
      const answer = await InputDialog.getText({
        title,
        text,
        label: problem || this.trans.__('Name'),
        okLabel: this.trans.__('Save')
      });
      if (!answer.button.accept || answer.value === null) {
        return null;
      }
      text = answer.value;
      problem = nameProblemText(findNameProblem(text, others), this.trans);
      if (!problem) {
        return normaliseName(text);
      }
      Dialog.flush();
    }
  }
}
