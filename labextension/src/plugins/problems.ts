/** What the compiler says, where it is written: marks in the editors of the cells. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { NotebookPipeline } from '../runs/pipeline';
import { IPipelines } from '../tokens';

export const problems: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:problems',
  description: 'Marks what the compiler says in the cells, with its cure.',
  autoStart: true,
  requires: [IPipelines],
  activate: (_, pipelines: IPipelines) => {
    const mark = async (pipeline: NotebookPipeline) => {
      // With CodeMirror's linter, which nobody needs before a notebook is open.
      const { CellProblems } = await import('../cells/problems');
      if (!pipeline.isDisposed) {
        new CellProblems(pipeline);
      }
    };
    pipelines.added.connect((_, pipeline) => void mark(pipeline));
    pipelines.all.forEach(pipeline => void mark(pipeline));
  }
};
