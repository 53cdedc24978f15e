/** The plugins of jupyter_pipe. Each can be disabled by its id; see `docs/` for what each does. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { pipelines, stages } from './plugins/models';

const plugins: JupyterFrontEndPlugin<unknown>[] = [stages, pipelines];

export default plugins;
export * from './tokens';
