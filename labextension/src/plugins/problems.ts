/** What the compiler says, where it is written: marks in the editors of the cells. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { CellProblems } from '../cells/problems';
import { IPipelines } from '../tokens';

export const problems: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-pipe:problems',
  description: 'Marks what the compiler says in the cells, with its cure.',
  autoStart: true,
  requires: [IPipelines],
  activate: (_, pipelines: IPipelines) => {
    pipelines.added.connect((_, pipeline) => void new CellProblems(pipeline));
    pipelines.all.forEach(pipeline => new CellProblems(pipeline));
  }
};
