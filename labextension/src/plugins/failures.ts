/** Failures beside the failing cell, and the way there when a run fails. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CellFailures } from '../cells/failures';
import { CommandIds } from '../commands';
import type { NotebookPipeline } from '../runs/pipeline';
import { failedStage } from '../runs/state';
import { IPipelines } from '../tokens';

// Who has just scrolled or typed is not taken elsewhere.
const QUIET_MS = 3000;

export const failures: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:failures',
  description: 'Shows where a run failed beside the failing cell, and goes there.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ISettingRegistry, ITranslator],
  activate: (app, pipelines: IPipelines, settings: ISettingRegistry | null, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const busy = watchUser();
    let isJumping = true;
    void settings?.load('jupyter-pipe:running').then(loaded => {
      const read = () => (isJumping = loaded.get('jump').composite !== false);
      loaded.changed.connect(read);
      read();
    });
    const show = (pipeline: NotebookPipeline) => {
      new CellFailures(pipeline, app.commands, trans);
      pipeline.history.ended.connect((_, run) => {
        const stage = failedStage(run);
        if (stage && isJumping && pipelines.current === pipeline && !busy()) {
          void app.commands.execute(CommandIds.goToStage, { stage: stage.name });
        }
      });
    };
    pipelines.added.connect((_, pipeline) => show(pipeline));
    pipelines.all.forEach(show);
  }
};

/** Tells whether the user is doing something right now. */
function watchUser(): () => boolean {
  let last = -QUIET_MS;
  const note = () => (last = performance.now());
  for (const kind of ['wheel', 'keydown'] as const) {
    window.addEventListener(kind, note, { capture: true, passive: true });
  }
  return () => performance.now() - last < QUIET_MS;
}
