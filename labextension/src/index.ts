/** The plugins of jupyter_pipe. Each can be disabled by its id; see `docs/` for what each does. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { annotating } from './plugins/annotating';
import { announcements } from './plugins/announcements';
import { cells } from './plugins/cells';
import { documents } from './plugins/documents';
import { failures } from './plugins/failures';
import { pipelines, stages } from './plugins/models';
import { joined } from './plugins/joined';
import { helping } from './plugins/helping';
import { navigation } from './plugins/navigation';
import { notifications } from './plugins/notifications';
import { operations } from './plugins/operations';
import { outputs } from './plugins/outputs';
import { panel } from './plugins/panel';
import { planning } from './plugins/planning';
import { problems } from './plugins/problems';
import { properties } from './plugins/properties';
import { running } from './plugins/running';
import { sessions } from './plugins/sessions';
import { status } from './plugins/status';
import { suggesting } from './plugins/suggesting';
import { tagging } from './plugins/tagging';
import { toolbar } from './plugins/toolbar';
import { values } from './plugins/values';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  stages,
  pipelines,
  cells,
  tagging,
  suggesting,
  navigation,
  helping,
  running,
  panel,
  toolbar,
  status,
  notifications,
  announcements,
  annotating,
  failures,
  problems,
  outputs,
  sessions,
  documents,
  values,
  operations,
  planning,
  properties,
  joined
];

export default plugins;
export * from './tokens';
