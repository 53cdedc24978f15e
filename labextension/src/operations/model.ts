/** What the Operations tab shows: its pages as the server last told them, and what the user decides there. */

import type { IDisposable } from '@lumino/disposable';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';
import { ApiError, type Client } from '../api/client';
import type {
  DataPage,
  DecisionAnswer,
  DecisionRequest,
  LabelRequest,
  LabelsPage,
  LoopPage,
  ModelsPage,
  MonitoringPage,
  QuestionShown,
  ServicePage,
  StudiesPage,
  WaitingPage
} from '../api/types';

/** Every page by its name, in the order of the tabs. */
export interface Pages {
  readonly waiting: WaitingPage;
  readonly models: ModelsPage;
  readonly data: DataPage;
  readonly studies: StudiesPage;
  readonly service: ServicePage;
  readonly monitoring: MonitoringPage;
  readonly labels: LabelsPage;
  readonly loop: LoopPage;
}

export type PageName = keyof Pages;

export const PAGE_NAMES: readonly PageName[] = ['waiting', 'models', 'data', 'studies', 'service', 'monitoring', 'labels', 'loop'];

export function titlesOf(trans: TranslationBundle): Readonly<Record<PageName, string>> {
  return {
    waiting: trans.__('Waiting for you'),
    models: trans.__('Models'),
    data: trans.__('Data'),
    studies: trans.__('Studies'),
    service: trans.__('Service'),
    monitoring: trans.__('Monitoring'),
    labels: trans.__('Labels'),
    loop: trans.__('Loop')
  };
}

/** One tab a notebook. */
export function operationsId(notebook: string): string {
  return `jupyter-pipe-operations-${notebook.replace(/[^\w-]/g, '_')}`;
}

/** Whose operations: a notebook, and the folder that keeps its runs, both below the server's root. */
export interface Subject {
  readonly root: string;
  readonly notebook: string;
  readonly name: string;
}

/** Pages that are not asked for again before so long, unless somebody asks: making them takes a second or two. */
const REST_MS: Partial<Record<PageName, number>> = { monitoring: 60_000 };

export class OperationsModel implements IDisposable {
  /** The page that is looked at. */
  page: PageName = 'waiting';
  /** The pages that have been told. */
  readonly pages: { -readonly [P in PageName]?: Pages[P] } = {};
  /** Why a page could not be told, by its name. */
  readonly errors: Partial<Record<PageName, ApiError>> = {};
  /** What is under way, for buttons that must not be pressed twice. */
  isDeciding = false;
  private disposed = false;
  private readonly asking = new Set<PageName>();
  private readonly told: Partial<Record<PageName, number>> = {};
  private readonly changedSignal = new Signal<this, void>(this);

  constructor(
    readonly subject: Subject,
    readonly client: Client
  ) {}

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** How many things wait for somebody; null before anybody has looked. */
  get waiting(): number | null {
    return this.pages.waiting ? countWaiting(this.pages.waiting) : null;
  }

  show(page: PageName): void {
    this.page = page;
    this.emit();
    void this.refresh();
  }

  /** Ask again for the page that is looked at, and for what waits, which is told on its tab. */
  async refresh(): Promise<void> {
    const pages = this.page === 'waiting' ? [this.page] : [this.page, 'waiting' as const];
    await Promise.all(pages.map(page => this.ask(page)));
  }

  /** Ask again, as time goes by. */
  async follow(now = Date.now()): Promise<void> {
    const rests = now - (this.told[this.page] ?? -Infinity) < (REST_MS[this.page] ?? 0);
    await (rests ? this.ask('waiting') : this.refresh());
  }

  /** Approve or reject. Raises ApiError. */
  async answer(question: QuestionShown, approved: boolean, note: string): Promise<void> {
    const { run_id, stage } = question;
    await this.decide(async () => {
      this.pages.waiting = await this.client.answerQuestion(this.subject, { run_id, stage, approved, note });
    });
  }

  /** Label a row. Raises ApiError. */
  async label(request: LabelRequest): Promise<void> {
    await this.decide(async () => {
      this.pages.labels = await this.client.label(this.subject, request);
    });
  }

  /** Let the run go on that waited. Raises ApiError. */
  async resume(runId: string): Promise<void> {
    await this.decide(async () => {
      await this.client.resume({ root: this.subject.root, runId });
    });
    await this.refresh();
  }

  /** Promote a version, or roll back. Raises ApiError. */
  async decideVersion(request: DecisionRequest): Promise<DecisionAnswer> {
    const answer = await this.decide(() => this.client.decide(this.subject, request));
    await this.refresh();
    return answer;
  }

  dispose(): void {
    if (!this.disposed) {
      this.disposed = true;
      Signal.clearData(this);
    }
  }

  private async decide<T>(act: () => Promise<T>): Promise<T> {
    this.isDeciding = true;
    this.emit();
    try {
      return await act();
    } finally {
      this.isDeciding = false;
      this.emit();
    }
  }

  private async ask<P extends PageName>(page: P): Promise<void> {
    if (this.asking.has(page)) {
      return;
    }
    this.asking.add(page);
    try {
      this.pages[page] = await this.client.page(page, this.subject);
      delete this.errors[page];
      this.told[page] = Date.now();
    } catch (error) {
      this.errors[page] = error instanceof ApiError ? error : new ApiError(0, 'unreachable', String(error));
    } finally {
      this.asking.delete(page);
      this.emit();
    }
  }

  private emit(): void {
    if (!this.disposed) {
      this.changedSignal.emit();
    }
  }
}

/** Questions without an answer, and versions that nobody has decided upon. */
export function countWaiting(page: WaitingPage): number {
  return page.questions.filter(question => question.state === 'waiting').length + page.versions.length;
}
