/**
 * What opens in the main area: report, log, executed notebook, compiled modules, graph, comparison.
 *
 * The code that draws them is loaded when the first of them opens: JupyterLab starts without it.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IThemeManager, Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { ApiError, type Client, type RunAddress } from '../api/client';
import { CommandIds } from '../commands';
import { openTab } from '../controls/opening';
import { NEWS_MS, reported } from '../controls/telling';
import { executedPath, RunDrive } from '../documents/drive';
import type { Executed } from '../documents/executed';
import { deleteRun } from '../panels/runs/menu';
import type { NotebookPipeline } from '../runs/pipeline';
import { IPipelines } from '../tokens';

export const documents: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:documents',
  description: 'Opens reports, logs, executed notebooks, compiled modules, graphs and comparisons.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ITranslator, IThemeManager, ICommandPalette],
  activate: (
    app,
    pipelines: IPipelines,
    translator: ITranslator | null,
    themes: IThemeManager | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const { contents, serverSettings } = app.serviceManager;
    contents.addDrive(new RunDrive(pipelines.client, serverSettings));
    addCommands(app, new Documents(app, pipelines, themes, trans), trans);
    for (const command of [
      CommandIds.openReport,
      CommandIds.openLog,
      CommandIds.openExecuted,
      CommandIds.openModules,
      CommandIds.openGraph,
      CommandIds.followOutput,
      CommandIds.compareRuns,
      CommandIds.deleteRun,
      CommandIds.debugStage
    ]) {
      palette?.addItem({ command, category: trans.__('Pipelines') });
    }
  }
};

type Args = ReadonlyPartialJSONObject;

class Documents {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly pipelines: IPipelines,
    private readonly themes: IThemeManager | null,
    private readonly trans: TranslationBundle
  ) {}

  get pipeline(): NotebookPipeline | null {
    return this.pipelines.current;
  }

  runId(args: Args): string | null {
    return typeof args.runId === 'string' ? args.runId : (this.pipeline?.run?.run_id ?? null);
  }

  stage(args: Args): string | null {
    return typeof args.stage === 'string' ? args.stage : null;
  }

  report(args: Args): Promise<void> {
    return this.withRun(args, async (pipeline, runId) => {
      const title = this.trans.__('Report of %1', pipeline.name);
      const { makeReport } = await import('../documents/report');
      openTab(this.app, await makeReport(pipeline.client, pipeline.history.address(runId), title, this.themes));
    });
  }

  log(args: Args): Promise<void> {
    return this.withRun(args, async (pipeline, runId) => {
      const stage = this.stage(args) ?? '';
      const title = stage ? this.trans.__('Log of %1', stage) : this.trans.__('Log of %1', pipeline.name);
      const { makeLog } = await import('../documents/report');
      const read = (offset: number) => pipeline.client.log(pipeline.history.address(runId), offset, stage);
      openTab(this.app, makeLog(read, `jupyter-pipe-log-${runId}-${stage}`, title, this.trans));
    });
  }

  executed(args: Args): Promise<void> {
    return this.withRun(args, async (pipeline, runId) => {
      const stage = this.stage(args) ?? pipeline.stages.activeCell?.stage;
      if (stage) {
        const path = executedPath(pipeline.history.address(runId), stage);
        await this.app.commands.execute('docmanager:open', { path, factory: 'Notebook', kernelPreference: { shouldStart: false, canStart: false } });
      }
    });
  }

  debug(args: Args): Promise<void> {
    return this.withRun(args, async (pipeline, runId) => {
      const stage = this.stage(args) ?? pipeline.stages.activeCell?.stage;
      if (stage) {
        const { path } = await pipeline.client.debug(pipeline.history.address(runId), stage);
        await this.app.commands.execute('docmanager:open', { path });
      }
    });
  }

  async modules(): Promise<void> {
    const { pipeline } = this;
    if (!pipeline) {
      return;
    }
    await reported(async () => {
      await pipeline.stages.panel.context.save();
      const compiled = await pipeline.client.compile(pipeline.stages.path);
      const active = pipeline.stages.activeCell?.stage;
      Notification.info(this.trans.__('Compiled into %1', compiled.folder), { autoClose: NEWS_MS });
      const wanted = compiled.modules.find(path => path.endsWith(`/${active}.py`)) ?? compiled.modules[0];
      if (wanted) {
        await this.app.commands.execute('docmanager:open', { path: wanted });
      }
    });
  }

  /** Below the notebook, where terminals and logs are; beside the other documents in Notebook 7. */
  async follow(): Promise<void> {
    const { pipeline, app } = this;
    if (pipeline) {
      const { makeLiveOutput } = await import('../documents/live');
      const widget = makeLiveOutput(pipeline, this.trans);
      const open = [...app.shell.widgets('main')].find(each => each.id === widget.id);
      if (open) {
        widget.dispose();
      } else {
        app.shell.add(widget, 'main', { mode: 'split-bottom', activate: false, ref: pipeline.stages.panel.id });
      }
    }
  }

  async graph(): Promise<void> {
    const { pipeline } = this;
    if (pipeline) {
      const { makeGraph } = await import('../documents/graph');
      openTab(this.app, makeGraph(pipeline, this.app.commands, this.trans));
    }
  }

  /** The runs that are named; of one alone, or of the one that is shown, that and the latest, or the one before. */
  compared(args: Args): string[] {
    if (Array.isArray(args.runIds)) {
      return args.runIds.map(String);
    }
    const runId = this.runId(args);
    const all = [...(this.pipeline?.history.runs ?? [])].sort((one, other) => other.queued - one.queued);
    const [latest, before] = all.map(run => run.run_id);
    const other = runId === latest ? before : latest;
    return runId && other ? [other, runId] : [];
  }

  async compare(args: Args): Promise<void> {
    const { pipeline } = this;
    const ids = this.compared(args);
    if (pipeline && ids.length > 1) {
      await reported(async () => {
        const { makeComparison } = await import('../documents/compare');
        const runs = await Promise.all(ids.map(id => pipeline.client.run(pipeline.history.address(id))));
        const source = {
          history: pipeline.history.runs ?? [],
          readRun: (runId: string) => pipeline.client.run(pipeline.history.address(runId)),
          readExecuted: (runId: string, stage: string) =>
            readExecuted(pipeline.client, pipeline.history.address(runId), stage)
        };
        openTab(this.app, makeComparison(runs, source, this.trans));
      });
    }
  }

  delete(args: Args): Promise<void> {
    const { trans } = this;
    return this.withRun(args, (pipeline, runId) =>
      deleteRun(pipeline, runId, {
        title: trans.__('Delete the run?'),
        body: trans.__('Its log, report and executed notebooks go. Results that other runs reuse stay.'),
        label: trans.__('Delete')
      })
    );
  }

  private async withRun(args: Args, act: (pipeline: NotebookPipeline, runId: string) => Promise<void>): Promise<void> {
    const { pipeline } = this;
    const runId = this.runId(args);
    if (pipeline && runId) {
      await reported(() => act(pipeline, runId));
    }
  }
}

/** What the cells of a stage were and showed; null where it was not executed. */
async function readExecuted(client: Client, run: RunAddress, stage: string): Promise<Executed | null> {
  const { executedOf } = await import('../documents/executed');
  try {
    return executedOf(await client.executedNotebook(run, stage));
  } catch (error) {
    if (error instanceof ApiError) {
      return null;
    }
    throw error;
  }
}

function addCommands({ commands }: JupyterFrontEnd, documents: Documents, trans: TranslationBundle): void {
  const hasRun = (args: Args) => documents.runId(args) !== null;
  const add = (id: string, label: string, isEnabled: (args: Args) => boolean, execute: (args: Args) => unknown) =>
    commands.addCommand(id, { label, isEnabled, execute });
  add(CommandIds.openReport, trans.__('Open Report'), hasRun, args => documents.report(args));
  add(CommandIds.openLog, trans.__('Open Log'), hasRun, args => documents.log(args));
  add(CommandIds.openExecuted, trans.__('Open Executed Notebook'), hasRun, args => documents.executed(args));
  add(CommandIds.debugStage, trans.__('Debug Here'), hasRun, args => documents.debug(args));
  add(CommandIds.openModules, trans.__('Show Compiled Modules'), () => documents.pipeline !== null, () => documents.modules());
  add(CommandIds.followOutput, trans.__('Follow Output'), () => documents.pipeline !== null, () => documents.follow());
  add(CommandIds.openGraph, trans.__('Open Graph in a Tab'), () => documents.pipeline !== null, () => documents.graph());
  commands.addCommand(CommandIds.compareRuns, {
    label: args => compareLabel(documents.compared(args), documents.runId(args), trans),
    isEnabled: args => documents.compared(args).length > 1,
    execute: args => documents.compare(args)
  });
  add(CommandIds.deleteRun, trans.__('Delete Run'), hasRun, args => documents.delete(args));
}

function compareLabel([other]: readonly string[], runId: string | null, trans: TranslationBundle): string {
  // Ids begin with the time: the greater one is the later run.
  return other && runId && other > runId ? trans.__('Compare with the Latest Run') : trans.__('Compare with the Run Before');
}
