/** The tab in which a stage's values are looked at. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';
import type { Client } from '../api/client';
import { FrameWidget } from '../controls/widget';
import { pipelineIcon } from '../icons';
import { ValuesModel, type ValuesSubject } from './model';
import { ValuesView } from './view';

class ValuesWidget extends FrameWidget {
  constructor(
    readonly model: ValuesModel,
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

/** The open tab of these values, if there is one, with the value chosen in it that was asked for. */
export function findValues(widgets: Iterable<Widget>, subject: ValuesSubject): Widget | null {
  const open = [...widgets].find(widget => widget.id === idOf(subject));
  const content = open instanceof MainAreaWidget ? open.content : null;
  if (content instanceof ValuesWidget && subject.first !== null) {
    void content.model.choose(subject.first);
  }
  return open ?? null;
}

function idOf({ run, stage }: ValuesSubject): string {
  return ['jupyter-pipe-values', run.root, run.runId, stage].join('-');
}

export function makeValues(subject: ValuesSubject, client: Client, trans: TranslationBundle): MainAreaWidget {
  const model = new ValuesModel(subject, client);
  const widget = new MainAreaWidget({ content: new ValuesWidget(model, trans) });
  widget.id = idOf(subject);
  widget.title.label = trans.__('Values of %1', subject.stage);
  widget.title.icon = pipelineIcon;
  widget.title.closable = true;
  void model.read();
  return widget;
}
