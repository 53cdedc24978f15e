/** The tab in which a stage's values are looked at. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { Client } from '../api/client';
import { FrameWidget } from '../controls/widget';
import { pipelineIcon } from '../icons';
import { ValuesModel, type ValuesSubject } from './model';
import { ValuesView } from './view';

class ValuesWidget extends FrameWidget {
  constructor(
    private readonly model: ValuesModel,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-pipe-Document');
    model.changed.connect(this.drawSoon, this);
  }

  protected override render(): ReactElement {
    return <ValuesView model={this.model} trans={this.trans} />;
  }
}

export function makeValues(subject: ValuesSubject, client: Client, trans: TranslationBundle): MainAreaWidget {
  const model = new ValuesModel(subject, client);
  const widget = new MainAreaWidget({ content: new ValuesWidget(model, trans) });
  const { run, stage, names } = subject;
  widget.id = ['jupyter-pipe-values', run.root, run.runId, stage, ...(names ?? [])].join('-');
  widget.title.label = names?.length === 1 ? trans.__('%1 of %2', names[0], stage) : trans.__('Values of %1', stage);
  widget.title.icon = pipelineIcon;
  widget.title.closable = true;
  void model.read();
  return widget;
}
