/** The commands that run pipelines. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { DocumentWidget } from '@jupyterlab/docregistry';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { fastForwardIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { ApiError } from '../api/client';
import { CommandIds } from '../commands';
import { copyText } from '../controls/copy';
import { JoinedView } from '../documents/joined';
import { ERROR_MS, NEWS_MS } from '../controls/telling';
import { askEngine } from '../panels/engines/dialog';
import { findList } from '../runs/joined';
import { ensureSaved, type SaveMode } from '../runs/saving';
import { isActive } from '../runs/state';
import type { NotebookPipeline, RunOptions } from '../runs/pipeline';
import { explainError } from '../runs/trouble';
import { IPipelines } from '../tokens';

const PLUGIN_ID = 'jupyter-pipe:running';
/** Long enough to read twice; the notification centre keeps it. */

export const running: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Commands that compile, run, cancel and resume.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ISettingRegistry, ICommandPalette, ITranslator],
  activate: (
    app,
    pipelines: IPipelines,
    settings: ISettingRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const { commands } = app;
    const open = (path: string): Promise<unknown> => commands.execute('docmanager:open', { path });
    const runner = new Running(pipelines, trans, open, () => void commands.execute('docmanager:save-as'));
    addCommands(app, runner, trans);
    for (const command of [
      CommandIds.compileAndRun,
      CommandIds.runWithoutCache,
      CommandIds.runStage,
      CommandIds.runFrom,
      CommandIds.runFailed,
      CommandIds.runOn,
      CommandIds.runTogether,
      CommandIds.cancel,
      CommandIds.resume,
      CommandIds.refresh,
      CommandIds.copyCommand
    ]) {
      palette?.addItem({ command, category: trans.__('Pipelines') });
    }
    void settings?.load(PLUGIN_ID).then(loaded => {
      const read = () => (runner.saveMode = loaded.get('save').composite === 'ask' ? 'ask' : 'save');
      loaded.changed.connect(read);
      read();
    });
  }
};

type Args = ReadonlyPartialJSONObject;

class Running {
  saveMode: SaveMode = 'save';

  constructor(
    private readonly pipelines: IPipelines,
    private readonly trans: TranslationBundle,
    private readonly open: (path: string) => Promise<unknown>,
    /** Saves the notebook under another path; null where the application cannot. */
    private readonly saveAs: (() => void) | null
  ) {}

  get pipeline(): NotebookPipeline | null {
    return this.pipelines.current;
  }

  /** The stage that a command is about: named, or that of the active cell. */
  stage(args: Args): string | null {
    return typeof args.stage === 'string' ? args.stage : (this.pipeline?.stages.activeCell?.stage ?? null);
  }

  runId(args: Args): string | null {
    return typeof args.runId === 'string' ? args.runId : (this.pipeline?.run?.run_id ?? null);
  }

  /** The stages that failed in the run that is shown, as far as that is the one asked for. */
  failed(args: Args): string[] {
    const run = this.pipeline?.run ?? null;
    const isAsked = run !== null && (args.runId === undefined || args.runId === run.run_id);
    return isAsked ? run.stages.filter(stage => stage.state === 'failed').map(stage => stage.name) : [];
  }

  async start(options: RunOptions): Promise<void> {
    const { pipeline } = this;
    if (!pipeline || pipeline.isRunning) {
      return;
    }
    await this.reported(async () => {
      if (await ensureSaved(pipeline.stages.panel, this.saveMode, this.trans)) {
        await pipeline.start(options);
      }
    });
  }

  /** Ask for an engine, and have it run the notebook. */
  async startElsewhere(): Promise<void> {
    const { pipeline, trans } = this;
    if (!pipeline || pipeline.isRunning) {
      return;
    }
    await this.reported(async () => {
      const { engines } = await pipeline.client.engines(pipeline.stages.path);
      const engine = await askEngine(pipeline, engines, trans);
      if (engine !== null && (await ensureSaved(pipeline.stages.panel, this.saveMode, trans))) {
        await pipeline.submit(engine);
      }
    });
  }

  /** Run all notebooks of the list that this one is in, where the list is shown. */
  async startTogether(): Promise<void> {
    const { pipeline, trans } = this;
    if (!pipeline) {
      return;
    }
    await this.reported(async () => {
      const listed = await findList(pipeline.client, pipeline.stages.path);
      if (listed === null) {
        const text = trans.__('No pipeline.toml in the folder of %1, or above, lists it.', pipeline.name);
        Notification.info(text, { autoClose: NEWS_MS });
      } else if (await ensureSaved(pipeline.stages.panel, this.saveMode, trans)) {
        const widget = await this.open(listed);
        if (widget instanceof DocumentWidget && widget.content instanceof JoinedView) {
          await widget.context.ready;
          await widget.content.start();
        }
      }
    });
  }

  async cancel(args: Args): Promise<void> {
    const { pipeline } = this;
    const runId = this.runId(args);
    await this.reported(async () => (runId ? pipeline?.cancel(runId) : undefined));
  }

  async resume(args: Args): Promise<void> {
    const { pipeline } = this;
    const runId = this.runId(args);
    await this.reported(async () => {
      if (pipeline && runId && (await ensureSaved(pipeline.stages.panel, this.saveMode, this.trans))) {
        await pipeline.resume(runId);
      }
    });
  }

  async copyCommand(): Promise<void> {
    const { pipeline } = this;
    if (pipeline) {
      const values = [...pipeline.parameters].map(([name, text]) => ` -p ${quote(`${name}=${text}`)}`);
      await copyText(`jupyter pipe run ${quote(pipeline.stages.path)}${values.join('')}`, this.trans);
    }
  }

  /** Do something, and say in words what went wrong. */
  private async reported(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      await this.pipeline?.checker.refresh();
      const { trans } = this;
      const { text, needsAnotherPlace } = explainError(error, trans);
      const isStuck = needsAnotherPlace && this.saveAs !== null;
      const actions = isStuck ? [{ label: trans.__('Save notebook elsewhere…'), callback: () => this.saveAs?.() }] : [];
      Notification.error(text, { autoClose: ERROR_MS, actions });
    }
  }
}

function addCommands(app: JupyterFrontEnd, running: Running, trans: TranslationBundle): void {
  const { commands } = app;
  const isIdle = () => running.pipeline !== null && !running.pipeline.isRunning && !running.pipeline.isServerMissing;
  const needsStage = (args: Args) => isIdle() && running.stage(args) !== null;
  const targets = (args: Args) => [running.stage(args)].filter(stage => stage !== null);
  commands.addCommand(CommandIds.compileAndRun, {
    label: trans.__('Compile and Run'),
    caption: trans.__('Run the notebook as a pipeline'),
    icon: runIcon,
    isEnabled: isIdle,
    execute: () => running.start({})
  });
  commands.addCommand(CommandIds.runWithoutCache, {
    label: trans.__('Run Without Cache'),
    isEnabled: isIdle,
    execute: () => running.start({ cache: false })
  });
  commands.addCommand(CommandIds.runStage, {
    label: trans.__('Run Stage and What It Needs'),
    isEnabled: needsStage,
    execute: args => running.start({ targets: targets(args) })
  });
  commands.addCommand(CommandIds.runFrom, {
    label: trans.__('Run From This Stage On'),
    isEnabled: needsStage,
    execute: args => running.start({ from: targets(args) })
  });
  commands.addCommand(CommandIds.runFailed, {
    label: trans.__('Run Failed Stages Only'),
    caption: trans.__('What they need is reused; what depends on them is left alone'),
    isEnabled: args => isIdle() && running.failed(args).length > 0,
    execute: args => running.start({ targets: running.failed(args) })
  });
  commands.addCommand(CommandIds.runOn, {
    label: trans.__('Run on…'),
    caption: trans.__('Have another engine run the notebook, such as Airflow or SLURM'),
    isEnabled: isIdle,
    execute: () => running.startElsewhere()
  });
  commands.addCommand(CommandIds.runTogether, {
    label: trans.__('Run With the Other Notebooks of Its Pipeline'),
    caption: trans.__('Run all that the pipeline.toml lists in which this notebook is'),
    isEnabled: isIdle,
    execute: () => running.startTogether()
  });
  commands.addCommand(CommandIds.cancel, {
    label: trans.__('Cancel Run'),
    icon: stopIcon,
    isEnabled: args => args.runId !== undefined || isActive(running.pipeline?.run ?? null),
    execute: args => running.cancel(args)
  });
  commands.addCommand(CommandIds.resume, {
    label: trans.__('Resume Run'),
    icon: fastForwardIcon,
    isEnabled: isIdle,
    execute: args => running.resume(args)
  });
  commands.addCommand(CommandIds.refresh, {
    label: trans.__('Refresh'),
    isEnabled: () => running.pipeline !== null,
    execute: () => running.pipeline?.refresh()
  });
  commands.addCommand(CommandIds.copyCommand, {
    label: trans.__('Copy as Command Line'),
    isEnabled: () => running.pipeline !== null,
    execute: () => running.copyCommand()
  });
}

function quote(text: string): string {
  return /^[\w./=:@%+-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}
