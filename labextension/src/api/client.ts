/** Talks to the server extension. Every failure is an `ApiError` that can be shown to people. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { PageName, Pages, Subject } from '../operations/model';
import type {
  AnswerRequest,
  CheckAnswer,
  CheckRequest,
  CompileAnswer,
  DecisionAnswer,
  DecisionRequest,
  Diagnostic,
  EngineList,
  ErrorBody,
  ExecutedOutputs,
  GraphAnswer,
  GraphRequest,
  LoadedValue,
  LabelRequest,
  LabelsPage,
  LogChunk,
  NoteRequest,
  PlanAnswer,
  PlanRequest,
  Run,
  RunList,
  RunSummary,
  StartRequest,
  Started,
  SubmitRequest,
  SuggestAnswer,
  SuggestRequest,
  ValuesAnswer,
  WaitingPage,
  WrittenNotebook
} from './types';

const NAMESPACE = 'jupyter-pipe';

export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 if the server could not be reached. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string = '',
    readonly cellId: string | null = null,
    readonly diagnostics: readonly Diagnostic[] = []
  ) {
    super(message);
  }

  /** The server does not know our routes: its extension is not installed or not enabled. */
  get isMissing(): boolean {
    return this.status === 404 && this.code === 'no_body';
  }
}

/** Where a run is kept: the folder of its notebook, below the server's root. */
export interface RunAddress {
  readonly root: string;
  readonly runId: string;
}

type Query = Readonly<Record<string, string | number>>;

export class Client {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  check(request: CheckRequest): Promise<CheckAnswer> {
    return this.post('check', request);
  }

  compile(notebook: string, force = false): Promise<CompileAnswer> {
    return this.post('compile', { notebook, force });
  }

  /** The picture of the notebooks that a list names, and what is wrong with them. Changes nothing. */
  graph(request: GraphRequest): Promise<GraphAnswer> {
    return this.post('graph', request);
  }

  plan(request: PlanRequest): Promise<PlanAnswer> {
    return this.post('plan', request);
  }

  /** Stages for a notebook, as saved or as `content` has it. Changes nothing. */
  suggest(request: SuggestRequest): Promise<SuggestAnswer> {
    return this.post('suggest', request);
  }

  start(request: StartRequest): Promise<Started> {
    return this.post('runs', request);
  }

  /** The engines that can run a notebook, and why others cannot. */
  engines(notebook: string): Promise<EngineList> {
    return this.get('engines', { notebook });
  }

  /** Has another engine run the notebook. */
  submit(request: SubmitRequest): Promise<Started> {
    return this.post('engines', request);
  }

  runs(root: string, notebook: string): Promise<RunList> {
    return this.get('runs', { root, notebook });
  }

  run(run: RunAddress): Promise<Run> {
    return this.get(`runs/${run.runId}`, { root: run.root });
  }

  cancel(run: RunAddress): Promise<Run> {
    return this.post(`runs/${run.runId}/cancel`, {}, { root: run.root });
  }

  resume(run: RunAddress): Promise<Started> {
    return this.post(`runs/${run.runId}/resume`, {}, { root: run.root });
  }

  /** Writes name, note and pin on a run. */
  annotate(run: RunAddress, note: NoteRequest): Promise<RunSummary> {
    return this.put(`runs/${run.runId}/note`, note, { root: run.root });
  }

  async delete(run: RunAddress): Promise<void> {
    await this.send('DELETE', `runs/${run.runId}`, { root: run.root });
  }

  debug(run: RunAddress, stage: string): Promise<WrittenNotebook> {
    return this.post(`runs/${run.runId}/debug`, { stage }, { root: run.root });
  }

  /** What the run's process said, or with `stage` what that stage printed. */
  log(run: RunAddress, offset: number, stage = ''): Promise<LogChunk> {
    return this.get(`runs/${run.runId}/log`, { root: run.root, offset, stage });
  }

  executedNotebook(run: RunAddress, stage: string): Promise<unknown> {
    return this.get(`runs/${run.runId}/stages/${stage}/notebook`, { root: run.root });
  }

  /** What the stage's cells showed, by the id of the source cell. */
  outputs(run: RunAddress, stage: string): Promise<ExecutedOutputs> {
    return this.get(`runs/${run.runId}/stages/${stage}/outputs`, { root: run.root });
  }

  /** What the run's records say of the values that a stage left. */
  values(run: RunAddress, stage: string): Promise<ValuesAnswer> {
    return this.get(`runs/${run.runId}/stages/${stage}/values`, { root: run.root });
  }

  /** Loads a value in a process of its own. It may take half a minute. */
  preview(run: RunAddress, stage: string, name: string): Promise<LoadedValue> {
    return this.post(`runs/${run.runId}/stages/${stage}/preview`, { name }, { root: run.root });
  }

  /** A page of the Operations tab. */
  page<P extends PageName>(name: P, { root, notebook }: Subject): Promise<Pages[P]> {
    return this.get(`operations/${name}`, { root, notebook });
  }

  /** Approves or rejects what a stage left; what waits afterwards. */
  answerQuestion({ root, notebook }: Subject, answer: AnswerRequest): Promise<WaitingPage> {
    return this.post('operations/answer', answer, { root, notebook });
  }

  /** Labels a row; what waits afterwards. */
  label({ root, notebook }: Subject, request: LabelRequest): Promise<LabelsPage> {
    return this.post('operations/label', request, { root, notebook });
  }

  /** Promotes a version or rolls back. It may take a minute. */
  decide({ root }: Subject, request: DecisionRequest): Promise<DecisionAnswer> {
    return this.post('operations/decision', request, { root });
  }

  async report(run: RunAddress): Promise<string> {
    const response = await this.send('GET', `runs/${run.runId}/report`, { root: run.root });
    return response.text();
  }

  /** The address of a page of the documentation, which the server has: `tags`, `diagnostics#PIPE101`. */
  documentation(page: string): string {
    return URLExt.join(this.settings.baseUrl, NAMESPACE, 'docs', page);
  }

  private async get<T>(path: string, query: Query = {}): Promise<T> {
    return (await this.send('GET', path, query)).json() as Promise<T>;
  }

  private async post<T>(path: string, body: unknown, query: Query = {}): Promise<T> {
    return (await this.send('POST', path, query, body)).json() as Promise<T>;
  }

  private async put<T>(path: string, body: unknown, query: Query = {}): Promise<T> {
    return (await this.send('PUT', path, query, body)).json() as Promise<T>;
  }

  private async send(method: string, path: string, query: Query, body?: unknown): Promise<Response> {
    const texts = Object.entries(query).map(([key, value]) => [key, String(value)] as const);
    const url =
      URLExt.join(this.settings.baseUrl, NAMESPACE, path) + URLExt.objectToQueryString(Object.fromEntries(texts));
    const init: RequestInit = { method, body: body === undefined ? undefined : JSON.stringify(body) };
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch {
      throw new ApiError(0, 'unreachable', 'The server does not answer.');
    }
    if (!response.ok) {
      throw await readError(response);
    }
    return response;
  }
}

/** The error that the server sent, or one that says that what answered was not our extension. */
async function readError(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  if (isErrorBody(body)) {
    return new ApiError(response.status, body.code, body.message, body.hint, body.cell_id, body.diagnostics);
  }
  return new ApiError(response.status, 'no_body', `The server answered ${response.status}.`);
}

function isErrorBody(body: unknown): body is ErrorBody {
  return typeof body === 'object' && body !== null && 'code' in body && 'message' in body;
}
