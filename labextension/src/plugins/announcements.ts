/** Says what runs do to people who do not see it. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { Run } from '../api/types';
import { Announcer } from '../controls/announcer';
import type { NotebookPipeline } from '../runs/pipeline';
import { sentenceOf } from '../runs/sentences';
import { IPipelines } from '../tokens';

export const announcements: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:announcements',
  description: 'Says to screen readers when stages and runs end.',
  autoStart: true,
  requires: [IPipelines],
  optional: [ITranslator],
  activate: (_, pipelines: IPipelines, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter-pipe');
    const announcer = new Announcer();
    const follow = (pipeline: NotebookPipeline) => {
      let before: Run | null = null;
      pipeline.changed.connect(() => {
        const { run } = pipeline;
        const sentence = run && run !== before ? sentenceOf(before, run, trans) : null;
        before = run;
        if (sentence) {
          announcer.say(sentence);
        }
      });
    };
    pipelines.added.connect((_, pipeline) => follow(pipeline));
    pipelines.all.forEach(follow);
  }
};
