/** The plugins of jupyter_pipe. Each can be disabled by its id; see `docs/` for what each does. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { cells } from './plugins/cells';
import { pipelines, stages } from './plugins/models';
import { navigation } from './plugins/navigation';
import { panel } from './plugins/panel';
import { running } from './plugins/running';
import { tagging } from './plugins/tagging';

const plugins: JupyterFrontEndPlugin<unknown>[] = [stages, pipelines, cells, tagging, navigation, running, panel];

export default plugins;
export * from './tokens';
