/** The Operations tab of a notebook: eight pages in one document of the main area. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import type { KeyboardEvent, ReactElement } from 'react';
import { About } from '../controls/about';
import { FrameWidget } from '../controls/widget';
import { pipelineIcon } from '../icons';
import { Failed, Loading } from '../panels/states';
import type { Host, PageProps } from './host';
import { operationsId, PAGE_NAMES, titlesOf, type OperationsModel, type PageName, type Pages } from './model';
import { DataBody } from './pages/data';
import { LabelsBody } from './pages/labels';
import { LoopBody } from './pages/loop';
import { ModelsBody } from './pages/models';
import { MonitoringBody } from './pages/monitoring';
import { ServiceBody } from './pages/service';
import { StudiesBody } from './pages/studies';
import { WaitingBody } from './pages/waiting';

/** Services, loops and sweeps go on without us; what they did is asked for while somebody looks. */
const PAUSE_MS = 10_000;

type Body<P extends PageName> = (props: PageProps<Pages[P]>) => ReactElement;

const BODIES: { readonly [P in PageName]: Body<P> } = {
  waiting: WaitingBody,
  models: ModelsBody,
  data: DataBody,
  studies: StudiesBody,
  service: ServiceBody,
  monitoring: MonitoringBody,
  labels: LabelsBody,
  loop: LoopBody
};

/** Where the documentation explains what is on each page. */
const EXPLAINED: Readonly<Record<PageName, string>> = {
  waiting: 'operations#what-waits',
  models: 'operations#promote-and-roll-back',
  data: 'operations#data',
  studies: 'lifecycle#try-many-values',
  service: 'lifecycle#serve',
  monitoring: 'operations#monitoring',
  labels: 'operations#label',
  loop: 'lifecycle#close-the-loop'
};

class OperationsContent extends FrameWidget {
  private readonly poll: Poll;

  constructor(
    readonly model: OperationsModel,
    private readonly host: Host,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-pipe-Ops');
    model.changed.connect(this.drawSoon, this);
    this.poll = new Poll({
      name: 'jupyter-pipe:operations',
      factory: () => (this.isVisible ? model.follow() : Promise.resolve()),
      frequency: { interval: PAUSE_MS, backoff: true },
      standby: 'when-hidden'
    });
  }

  override dispose(): void {
    this.poll.dispose();
    this.model.dispose();
    super.dispose();
  }

  protected override render(): ReactElement {
    return <OperationsView model={this.model} host={this.host} trans={this.trans} />;
  }
}

export function OperationsView(props: { model: OperationsModel; host: Host; trans: TranslationBundle }): ReactElement {
  const { model, trans } = props;
  const titles = titlesOf(trans);
  return (
    <>
      <div
        className="jp-pipe-Ops-tabs"
        role="tablist"
        aria-orientation="vertical"
        aria-label={trans.__('Pages')}
        onKeyDown={event => moveFocus(event, model)}
      >
        {PAGE_NAMES.map(name => (
          <button
            key={name}
            type="button"
            role="tab"
            id={idOf(model, name)}
            data-page={name}
            aria-selected={name === model.page}
            aria-controls={`${idOf(model, name)}-page`}
            tabIndex={name === model.page ? 0 : -1}
            onClick={() => model.show(name)}
          >
            <span>{titles[name]}</span>
            {name === 'waiting' && (model.waiting ?? 0) > 0 && (
              <span className="jp-pipe-Ops-count" aria-label={trans._n('%1 waits', '%1 wait', model.waiting ?? 0)}>
                {model.waiting}
              </span>
            )}
          </button>
        ))}
      </div>
      <div
        className="jp-pipe-Ops-page"
        role="tabpanel"
        id={`${idOf(model, model.page)}-page`}
        aria-labelledby={idOf(model, model.page)}
        tabIndex={0}
      >
        <div className="jp-pipe-Ops-title">
          <h2>{titles[model.page]}</h2>
          <About client={model.client} page={EXPLAINED[model.page]} subject={titles[model.page]} trans={trans} />
          <span className="jp-pipe-second">{model.subject.notebook}</span>
          <span className="jp-pipe-Spacer" />
          <button
            type="button"
            className="jp-pipe-IconButton"
            title={trans.__('Refresh')}
            aria-label={trans.__('Refresh')}
            onClick={() => void model.refresh()}
          >
            <refreshIcon.react tag="span" />
          </button>
        </div>
        <Page {...props} name={model.page} key={model.page} />
      </div>
    </>
  );
}

function Page<P extends PageName>(props: { name: P; model: OperationsModel; host: Host; trans: TranslationBundle }): ReactElement {
  const { name, model, host, trans } = props;
  const page: Pages[P] | undefined = model.pages[name];
  const error = model.errors[name];
  const Body: Body<P> = BODIES[name];
  return (
    <>
      {error && (
        <Failed
          text={page ? trans.__('This page is not up to date.') : trans.__('This page could not be loaded.')}
          error={error}
          retry={() => void model.refresh()}
          trans={trans}
        />
      )}
      {page ? <Body {...{ page, model, host, trans }} /> : !error && <Loading text={trans.__('Loading…')} />}
    </>
  );
}

/** Arrows go from tab to tab, as in every list of tabs; the page follows. */
function moveFocus(event: KeyboardEvent<HTMLElement>, model: OperationsModel): void {
  const at = PAGE_NAMES.indexOf(model.page);
  const last = PAGE_NAMES.length - 1;
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: at === last ? 0 : at + 1,
    ArrowRight: at === last ? 0 : at + 1,
    ArrowUp: at === 0 ? last : at - 1,
    ArrowLeft: at === 0 ? last : at - 1,
    Home: 0,
    End: last
  };
  const target = targets[event.key];
  if (target !== undefined) {
    event.preventDefault();
    model.show(PAGE_NAMES[target]);
    event.currentTarget.querySelector<HTMLElement>(`[data-page="${PAGE_NAMES[target]}"]`)?.focus();
  }
}

function idOf(model: OperationsModel, page: PageName): string {
  return `${operationsId(model.subject.notebook)}-${page}`;
}

export function makeOperations(model: OperationsModel, host: Host, trans: TranslationBundle): MainAreaWidget {
  const widget = new MainAreaWidget({ content: new OperationsContent(model, host, trans) });
  widget.id = operationsId(model.subject.notebook);
  widget.title.label = trans.__('Operations of %1', model.subject.name);
  widget.title.icon = pipelineIcon;
  widget.title.closable = true;
  return widget;
}
