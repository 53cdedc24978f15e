/** Opens the Operations tab, and tells when something waits for somebody. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IThemeManager, Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { Run, WaitingPage } from '../api/types';
import { CommandIds } from '../commands';
import { openTab } from '../controls/opening';
import { reported } from '../controls/telling';
import type { Host } from '../operations/host';
import { operationsId, OperationsModel, PAGE_NAMES, titlesOf, type PageName, type Subject } from '../operations/model';
import { newsOf } from '../operations/news';
import { pipelineName } from '../notebook/files';
import type { NotebookPipeline } from '../runs/pipeline';
import { IPipelines } from '../tokens';

const PAUSE_MS = 60_000;

export const operations: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:operations',
  description: 'Shows what waits, models, data, studies, services and the loop of a notebook.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ITranslator, IThemeManager, ICommandPalette, ISettingRegistry],
  activate: (
    app,
    pipelines: IPipelines,
    translator: ITranslator | null,
    themes: IThemeManager | null,
    palette: ICommandPalette | null,
    settings: ISettingRegistry | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const opener = new Opener(app, pipelines, themes, trans);
    addCommands(app, pipelines, opener, palette, trans);
    const options = { isOn: true };
    void settings?.load('jupyter-pipe:running').then(loaded => {
      const read = () => (options.isOn = loaded.get('notify').composite !== false);
      loaded.changed.connect(read);
      read();
    });
    const follow = (pipeline: NotebookPipeline) => new WaitingNotifier(pipeline, opener, trans, options);
    pipelines.added.connect((_, pipeline) => void follow(pipeline));
    pipelines.all.forEach(follow);
  }
};

function addCommands(
  app: JupyterFrontEnd,
  pipelines: IPipelines,
  opener: Opener,
  palette: ICommandPalette | null,
  trans: TranslationBundle
): void {
  const titles = titlesOf(trans);
  app.commands.addCommand(CommandIds.openOperations, {
    label: args => (isPage(args.page) ? trans.__('Operations: %1', titles[args.page]) : trans.__('Operations')),
    caption: trans.__('What waits for you, models, data, studies, the service, the loop'),
    isEnabled: () => pipelines.current !== null,
    execute: async args => {
      const pipeline = pipelines.current;
      if (pipeline) {
        await opener.open(subjectOf(pipeline), isPage(args.page) ? args.page : null);
      }
    }
  });
  const category = trans.__('Pipelines');
  palette?.addItem({ command: CommandIds.openOperations, category });
  for (const page of PAGE_NAMES) {
    palette?.addItem({ command: CommandIds.openOperations, category, args: { page } });
  }
}

function isPage(page: unknown): page is PageName {
  return PAGE_NAMES.includes(page as PageName);
}

function subjectOf(pipeline: NotebookPipeline): Subject {
  const { path } = pipeline.stages;
  return { root: pipeline.history.root, notebook: path, name: pipelineName(path) };
}

/** Opens one tab a notebook, which outlives the notebook's own. */
class Opener {
  private readonly models = new Map<string, OperationsModel>();

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly pipelines: IPipelines,
    private readonly themes: IThemeManager | null,
    private readonly trans: TranslationBundle
  ) {}

  /** Show the tab, and a page of it; without one, the page that was looked at. */
  async open(subject: Subject, page: PageName | null): Promise<void> {
    const { makeOperations } = await import('../operations/document');
    const id = operationsId(subject.notebook);
    let model = this.models.get(id);
    if (!model) {
      model = new OperationsModel(subject, this.pipelines.client);
      const widget = makeOperations(model, this.host(subject), this.trans);
      this.models.set(id, model);
      widget.disposed.connect(() => this.models.delete(id));
      this.app.shell.add(widget, 'main');
    }
    this.app.shell.activateById(id);
    model.show(page ?? model.page);
  }

  private host(subject: Subject): Host {
    return {
      openReport: runId => void this.report(subject, runId),
      reported
    };
  }

  private report(subject: Subject, runId: string): Promise<void> {
    return reported(async () => {
      const title = this.trans.__('Report of %1', subject.name);
      const { makeReport } = await import('../documents/report');
      const widget = await makeReport(this.pipelines.client, { root: subject.root, runId }, title, this.themes);
      openTab(this.app, widget);
    });
  }
}

/** Asks now and then what waits in the folder of an open notebook, and tells of each thing once. */
class WaitingNotifier {
  private readonly told = new Set<string>();
  private readonly poll: Poll;
  private hasAsked = false;

  constructor(
    private readonly pipeline: NotebookPipeline,
    private readonly opener: Opener,
    private readonly trans: TranslationBundle,
    private readonly options: { readonly isOn: boolean }
  ) {
    this.poll = new Poll({
      name: 'jupyter-pipe:waiting',
      factory: () => this.look(),
      frequency: { interval: PAUSE_MS, backoff: true },
      standby: 'when-hidden'
    });
    pipeline.history.changed.connect(this.onChanged, this);
    pipeline.history.ended.connect(this.onEnded, this);
    pipeline.stages.panel.disposed.connect(() => {
      this.poll.dispose();
      Signal.disconnectReceiver(this);
    });
  }

  /** Where nothing has ever run, nothing can wait. */
  private get canWait(): boolean {
    return (this.pipeline.history.runs?.length ?? 0) > 0;
  }

  private onChanged(): void {
    if (this.canWait && !this.hasAsked) {
      this.hasAsked = true;
      void this.poll.refresh();
    }
  }

  /** The run's own notification says that it waits. */
  private onEnded(_: unknown, run: Run): void {
    run.stages.filter(stage => stage.approval).forEach(stage => this.told.add(`${run.run_id} ${stage.name}`));
    void this.poll.refresh();
  }

  private async look(): Promise<void> {
    if (this.canWait && this.options.isOn) {
      const subject = subjectOf(this.pipeline);
      this.tell(subject, await this.pipeline.client.page('waiting', subject));
    }
  }

  private tell(subject: Subject, page: WaitingPage): void {
    const news = newsOf(page, this.told, this.trans);
    if (news) {
      const callback = () => void this.opener.open(subject, 'waiting');
      Notification.warning(news, { autoClose: 30_000, actions: [{ label: this.trans.__('Review'), callback }] });
    }
  }
}
