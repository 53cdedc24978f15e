/** A run's report and log as tabs of the main area. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { MainAreaWidget, type IThemeManager } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import type { Client, RunAddress } from '../api/client';
import { pipelineIcon } from '../icons';
import { isPageDark, withTheme } from './theme';

/** The report, in a frame where nothing can run and nothing can be fetched; light or dark as JupyterLab is. */
export async function makeReport(
  client: Client,
  run: RunAddress,
  title: string,
  themes: IThemeManager | null
): Promise<MainAreaWidget> {
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', '');
  frame.title = title;
  const html = await client.report(run);
  const content = new Widget();
  content.addClass('jp-pipe-Document');
  content.node.append(frame);
  const show = () => {
    frame.srcdoc = withTheme(html, isPageDark());
  };
  themes?.themeChanged.connect(show, content);
  show();
  return tab(content, `jupyter-pipe-report-${run.runId}`, title);
}

const LOG_PAUSE_MS = 1000;

/** What a stage printed, or the runner said; goes on while the run does. */
export function makeLog(
  read: (offset: number) => ReturnType<Client['log']>,
  id: string,
  title: string,
  trans: TranslationBundle
): MainAreaWidget {
  const content = new Widget({ node: document.createElement('pre') });
  content.addClass('jp-pipe-Log');
  content.node.tabIndex = 0;
  void follow(content, read, trans);
  return tab(content, id, title);
}

async function follow(
  content: Widget,
  read: (offset: number) => ReturnType<Client['log']>,
  trans: TranslationBundle
): Promise<void> {
  let offset = 0;
  while (!content.isDisposed) {
    const chunk = await read(offset).catch(() => null);
    if (chunk?.text) {
      content.node.append(chunk.text);
      offset = chunk.next_offset;
    }
    if (chunk?.final || chunk === null) {
      break;
    }
    await new Promise(resolve => setTimeout(resolve, LOG_PAUSE_MS));
  }
  if (offset === 0) {
    content.node.append(trans.__('Nothing was printed.'));
  }
}

function tab(content: Widget, id: string, title: string): MainAreaWidget {
  const widget = new MainAreaWidget({ content });
  widget.id = id;
  widget.title.label = title;
  widget.title.icon = pipelineIcon;
  widget.title.closable = true;
  return widget;
}
