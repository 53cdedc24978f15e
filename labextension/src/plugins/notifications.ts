/** One notification a run, updated in place; a sentence for screen readers. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { Run, RunState } from '../api/types';
import { CommandIds } from '../commands';
import type { NotebookPipeline } from '../runs/pipeline';
import { countStages, failedStage, formatSeconds, isActive, isDemand, messageOf, placeOf } from '../runs/state';
import { IPipelines } from '../tokens';

const KINDS = {
  queued: 'in-progress',
  running: 'in-progress',
  succeeded: 'success',
  failed: 'error',
  interrupted: 'warning',
  cancelled: 'info',
  waiting: 'warning'
} as const;

export const notifications: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:notifications',
  description: 'One notification for each run, with what can be done next.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ISettingRegistry, ITranslator],
  activate: (app, pipelines: IPipelines, settings: ISettingRegistry | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const options = { isOn: true };
    void settings?.load('jupyter-pipe:running').then(loaded => {
      const read = () => (options.isOn = loaded.get('notify').composite !== false);
      loaded.changed.connect(read);
      read();
    });
    const follow = (pipeline: NotebookPipeline) => new RunNotifier(pipeline, app, trans, options);
    pipelines.added.connect((_, pipeline) => void follow(pipeline));
    pipelines.all.forEach(follow);
  }
};

class RunNotifier {
  private shown: { runId: string; id: string; state: RunState; text: string } | null = null;

  constructor(
    private readonly pipeline: NotebookPipeline,
    private readonly app: JupyterFrontEnd,
    private readonly trans: TranslationBundle,
    private readonly options: { readonly isOn: boolean }
  ) {
    pipeline.changed.connect(this.draw, this);
  }

  private draw(): void {
    const { run } = this.pipeline;
    if (!run || !this.options.isOn) {
      return;
    }
    this.dismissOlder(run);
    if (isActive(run) && this.shown?.runId !== run.run_id) {
      const text = this.text(run);
      const id = Notification.emit(text, 'in-progress', { autoClose: false, actions: this.actions(run) });
      this.shown = { runId: run.run_id, id, state: run.state, text };
    } else if (this.shown?.runId === run.run_id && this.isNews(run)) {
      this.update(run, this.shown.id);
    }
  }

  /** What an earlier run ended with is history once there is a newer one. Ids rise with time. */
  private dismissOlder(run: Run): void {
    if (this.shown && this.shown.runId < run.run_id) {
      Notification.dismiss(this.shown.id);
      this.shown = null;
    }
  }

  private isNews(run: Run): boolean {
    return this.shown?.state !== run.state || this.shown.text !== this.text(run);
  }

  private update(run: Run, id: string): void {
    const text = this.text(run);
    this.shown = { runId: run.run_id, id, state: run.state, text };
    // The user who cancels knows.
    if (run.state === 'cancelled') {
      Notification.dismiss(id);
      return;
    }
    const autoClose = run.state === 'succeeded' ? 8000 : 30_000;
    Notification.update({ id, message: text, type: KINDS[run.state], autoClose, actions: this.actions(run) });
  }

  private text(run: Run): string {
    const { trans } = this;
    const name = run.pipeline;
    const { done, total } = countStages(run);
    const failed = failedStage(run);
    switch (run.state) {
      case 'succeeded':
        return trans.__('%1 succeeded in %2', name, formatSeconds(run.seconds));
      case 'waiting':
        return failed
          ? trans.__('%1 is waiting for you at %2: %3', name, failed.name, failed.approval?.question ?? '')
          : trans.__('%1 is waiting for you', name);
      case 'interrupted':
        return trans.__('%1 was interrupted: the runner died. %2 of %3 stages are kept.', name, done, total);
      case 'failed': {
        if (!failed?.failure) {
          return trans.__('%1 failed', name);
        }
        const place = isDemand(failed.failure) ? '' : ` (${placeOf(failed.failure, trans)})`;
        const cause = messageOf(failed.failure);
        return trans.__('%1 failed in %2%3. %4. %5 of %6 stages are kept.', name, failed.name, place, cause, done, total);
      }
      default:
        return trans.__('%1 running, %2 of %3 stages', name, done, total);
    }
  }

  private actions(run: Run): Notification.IAction[] {
    const { trans } = this;
    const stage = failedStage(run)?.name ?? null;
    const action = (label: string, command: string): Notification.IAction => ({
      label,
      callback: () => void this.app.commands.execute(command, stage ? { stage, runId: run.run_id } : { runId: run.run_id })
    });
    if (run.state === 'succeeded') {
      return [action(trans.__('Open report'), CommandIds.openReport)];
    }
    if (run.state === 'waiting') {
      const review = () => void this.app.commands.execute(CommandIds.openOperations, { page: 'waiting' });
      return [{ label: trans.__('Review'), callback: review }, action(trans.__('Open report'), CommandIds.openReport)];
    }
    if (run.state === 'failed' || run.state === 'interrupted') {
      const resume = action(trans.__('Resume'), CommandIds.resume);
      const goTo = action(trans.__('Go to cell'), CommandIds.goToStage);
      return stage ? [goTo, action(trans.__('Logs'), CommandIds.openLog), resume] : [resume];
    }
    return isActive(run) ? [action(trans.__('Cancel run'), CommandIds.cancel)] : [];
  }
}
