/** The side panel: composes the header and the sections, and remembers their sizes. */

import type { IStateDB } from '@jupyterlab/statedb';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { MessageLoop } from '@lumino/messaging';
import { AccordionPanel, Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';
import { About } from '../controls/about';
import { coalesced } from '../controls/frames';
import { FrameWidget } from '../controls/widget';
import { pipelineIcon, stateIcon } from '../icons';
import { GraphBody } from '../panels/graph/body';
import { ParametersBody } from '../panels/parameters/body';
import { ProblemsBody } from '../panels/problems/body';
import { RunsBody } from '../panels/runs/body';
import { Section, type SectionOptions } from '../panels/section';
import { Empty } from '../panels/states';
import { StagesBody } from '../panels/stages/body';
import { parametersSummary, problemsSummary, runsSummary, stagesSummary } from '../panels/summaries';
import type { NotebookPipeline } from '../runs/pipeline';
import { isActive } from '../runs/state';
import type { IPipelines } from '../tokens';
import { fitHeights } from './fitting';
import { Header } from './strip';
import { SuggestionHeader } from './suggestion';
import { Tour, type FirstSteps } from './tour';

const STATE_KEY = 'jupyter-pipe:panel';
export const PANEL_ID = 'jupyter-pipe-panel';

/** A suggestion is read and bent in the list of stages, beside its graph; of the others, a line is seen. */
const SIZES_SUGGESTING = [0.49, 0.33, 0.06, 0.06, 0.06] as const;
const PROBLEMS = 4;

export interface PanelOptions {
  readonly pipelines: IPipelines;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
  readonly state: IStateDB | null;
  readonly steps: FirstSteps;
  readonly translator: ITranslator | null;
}

interface SavedPanel {
  readonly open: readonly boolean[];
  /** Sizes that the user has given, else null: the sections fit what they hold. */
  readonly sizes: readonly number[] | null;
}

export class PipelinePanel extends SidePanel {
  private followed: NotebookPipeline | null = null;
  /** The sizes to go back to when no suggestion is shown any more. */
  private usualSizes: number[] | null = null;
  private isSizedByUser = false;
  private hadErrors = false;
  /** What the sections were last fitted to. */
  private fitted = '';
  private readonly fitSoon = coalesced(() => this.fitSections());

  constructor(private readonly options: PanelOptions) {
    super({ translator: options.translator ?? undefined });
    const { pipelines, trans } = options;
    this.id = PANEL_ID;
    this.addClass('jp-pipe-Panel');
    this.title.icon = pipelineIcon;
    this.title.caption = trans.__('Pipeline');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Pipeline'));
    this.header.addWidget(new HeadWidget(options));
    for (const section of sections(options)) {
      section.resized.connect(this.fitSoon, this);
      this.addWidget(section);
    }
    this.keepInRoom();
    pipelines.currentChanged.connect(this.follow, this);
    this.follow();
    void this.restore();
  }

  private follow(): void {
    const pipeline = this.options.pipelines.current;
    if (pipeline !== this.followed) {
      this.followed?.changed.disconnect(this.draw, this);
      pipeline?.changed.connect(this.draw, this);
      this.followed = pipeline;
    }
    this.draw();
  }

  private draw(): void {
    const isEmpty = !this.followed?.stages.hasPipeline;
    if (isEmpty !== this.hasClass('jp-mod-empty')) {
      this.toggleClass('jp-mod-empty', isEmpty);
    }
    this.drawIcon();
    this.openProblems();
    this.makeRoom(this.followed?.stages.shown.isSuggested ?? false);
  }

  /** Opens the section of problems, shows it, and leads to the first thing that can be done. */
  showProblems(): void {
    const { content } = this;
    if (content instanceof AccordionPanel) {
      content.expand(PROBLEMS);
      const { node } = content.widgets[PROBLEMS];
      node.scrollIntoView({ block: 'nearest' });
      node.querySelector<HTMLElement>('button')?.focus();
    }
  }

  /** Errors open their section by themselves, once: who closes it has seen them. */
  private openProblems(): void {
    const hasErrors = this.followed?.checker.hasErrors ?? false;
    if (hasErrors && !this.hadErrors && this.content instanceof AccordionPanel) {
      this.content.expand(PROBLEMS);
    }
    this.hadErrors = hasErrors;
  }

  /** Sections are as tall as what they hold, until the user drags a border. */
  private fitSections(): void {
    const { content } = this;
    if (!(content instanceof AccordionPanel) || this.isSizedByUser || this.usualSizes || !this.isVisible) {
      return;
    }
    const sections = content.widgets.filter(widget => widget instanceof Section);
    const wanted = sections.map(section => (section.isHidden ? null : section.naturalHeight));
    const room = sections.reduce((sum, section) => sum + (section.isHidden ? 0 : section.node.clientHeight), 0);
    const key = JSON.stringify([wanted, room]);
    if (room > 0 && key !== this.fitted) {
      this.fitted = key;
      const heights = fitHeights(wanted, room);
      content.setRelativeSizes(heights.map(height => Math.max(height, 1) / room));
    }
  }

  /** The header grows and shrinks with what it says; Lumino's layout does not notice by itself. */
  private keepInRoom(): void {
    const observer = new ResizeObserver(() => {
      if (!this.isDisposed) {
        MessageLoop.postMessage(this.content, Widget.ResizeMessage.UnknownSize);
        this.fitSoon();
      }
    });
    observer.observe(this.content.node);
    this.disposed.connect(() => observer.disconnect());
  }

  protected override onResize(message: Widget.ResizeMessage): void {
    super.onResize(message);
    this.fitSoon();
  }

  /** A suggestion is read and bent in the list of stages, beside its graph. */
  private makeRoom(isSuggesting: boolean): void {
    const { content } = this;
    if (!(content instanceof AccordionPanel) || isSuggesting === (this.usualSizes !== null)) {
      return;
    }
    const sizes = this.usualSizes ?? SIZES_SUGGESTING;
    this.usualSizes = isSuggesting ? content.relativeSizes() : null;
    content.setRelativeSizes([...sizes]);
  }

  /** The tab says whether a run is on or has failed. */
  private drawIcon(): void {
    const run = this.followed?.run ?? null;
    const icon = run && (isActive(run) || run.state === 'failed') ? stateIcon(run.state) : pipelineIcon;
    if (this.title.icon !== icon) {
      this.title.icon = icon;
    }
  }

  private async restore(): Promise<void> {
    const { state } = this.options;
    const { content } = this;
    if (!state || !(content instanceof AccordionPanel)) {
      return;
    }
    const saved = (await state.fetch(STATE_KEY)) as SavedPanel | undefined;
    saved?.open.forEach((isOpen, index) => (isOpen ? content.expand(index) : content.collapse(index)));
    if (saved?.sizes && saved.sizes.length === content.widgets.length) {
      this.isSizedByUser = true;
      content.setRelativeSizes([...saved.sizes]);
    }
    const save = () => {
      const open = content.widgets.map(widget => !widget.isHidden);
      void state.save(STATE_KEY, { open, sizes: this.isSizedByUser ? content.relativeSizes() : null });
    };
    content.expansionToggled.connect(() => {
      this.fitSoon();
      save();
    });
    content.handleMoved.connect(() => {
      this.isSizedByUser = true;
      save();
    });
  }
}

/** The toolbar and the strip, or a sentence where there is no notebook. */
class HeadWidget extends FrameWidget {
  private followed: NotebookPipeline | null = null;

  constructor(private readonly options: PanelOptions) {
    super();
    this.addClass('jp-pipe-Head');
    options.pipelines.currentChanged.connect(this.follow, this);
    options.steps.changed.connect(this.drawSoon, this);
    this.follow();
  }

  protected override render(): ReactElement {
    const { pipelines, commands, steps, trans } = this.options;
    const pipeline = pipelines.current;
    const empty = (text: string, page: string, subject: string) => (
      <Empty text={text} about={<About {...{ client: pipelines.client, page, subject, trans }} />} />
    );
    if (!pipeline) {
      return empty(trans.__('Open a notebook to see its pipeline.'), 'tutorial', trans.__('the tutorial'));
    }
    const { debugged, isExecuted, isPython, language, preview } = pipeline.stages;
    if (isExecuted) {
      const text = trans.__('This is what a run executed. It is read-only.');
      return empty(text, 'how-it-works#what-a-run-leaves-behind', trans.__('what a run leaves'));
    }
    if (debugged !== null) {
      const text = trans.__('This notebook tries out stage %1. What you find goes into the source notebook.', debugged);
      return empty(text, 'tutorial#a-failure-and-the-way-back', trans.__('from a failure back'));
    }
    if (!isPython) {
      const text = trans.__('Pipelines need a Python kernel; this one is %1.', language);
      return empty(text, 'how-it-works', trans.__('how it works'));
    }
    const { draft } = preview;
    return draft ? (
      <SuggestionHeader {...{ pipeline, commands, trans, draft }} />
    ) : (
      <>
        <Header {...{ pipeline, commands, trans }} />
        <Tour {...{ pipeline, commands, steps, trans }} />
      </>
    );
  }

  private follow(): void {
    const pipeline = this.options.pipelines.current;
    this.followed?.changed.disconnect(this.drawSoon, this);
    pipeline?.changed.connect(this.drawSoon, this);
    this.followed = pipeline;
    this.drawSoon();
  }
}

function sections({ pipelines, commands, trans }: PanelOptions): Section[] {
  const parts: readonly Pick<SectionOptions, 'name' | 'title' | 'Body' | 'summary'>[] = [
    { name: 'stages', title: trans.__('Stages'), Body: StagesBody, summary: stagesSummary },
    { name: 'graph', title: trans.__('Graph'), Body: GraphBody },
    { name: 'parameters', title: trans.__('Parameters'), Body: ParametersBody, summary: parametersSummary },
    { name: 'runs', title: trans.__('Runs'), Body: RunsBody, summary: runsSummary },
    { name: 'problems', title: trans.__('Problems'), Body: ProblemsBody, summary: problemsSummary }
  ];
  return parts.map(part => new Section({ pipelines, commands, trans, ...part }));
}
