/**
 * What the server sends and takes. Generated from the Python definitions by
 * `python labextension/generate.py`; a test holds that it is current.
 */

export interface AnswerRequest {
  readonly run_id: string;
  readonly stage: string;
  readonly approved: boolean;
  readonly note?: string;
}

export interface ApprovalChecked {
  readonly event: 'approval_checked';
  readonly stage: string;
  readonly question: string;
  readonly digest: string;
  readonly state: 'approved' | 'rejected' | 'waiting';
  readonly by: string;
  readonly at: number;
  readonly note: string;
  readonly seq: number;
  readonly time: number;
}

export interface ArtifactWritten {
  readonly event: 'artifact_written';
  readonly stage: string;
  readonly names: readonly string[];
  readonly artifact: string;
  readonly bytes: number;
  readonly summary: Readonly<Record<string, string>>;
  readonly seq: number;
  readonly time: number;
}

export interface BatchShown {
  readonly name: string;
  readonly rows: number;
  readonly problems: readonly string[];
}

export interface CheckAnswer {
  readonly diagnostics: readonly Diagnostic[];
  readonly pipeline: Pipeline | null;
  readonly cells: Readonly<Record<string, string>>;
}

export interface CheckRequest {
  readonly notebook: string;
  readonly content?: Readonly<Record<string, unknown>> | null;
}

export interface ColumnShown {
  readonly name: string;
  readonly type: string;
  readonly rows: number;
  readonly nulls: number;
  readonly distinct: number;
  readonly low: number | null;
  readonly middle: number | null;
  readonly high: number | null;
  readonly histogram: readonly number[];
  readonly top: readonly (readonly [string, number])[];
  readonly drift: number | null;
  readonly limit: number | null;
  readonly expected: string;
  readonly problems: readonly string[];
}

export interface CompileAnswer {
  readonly folder: string;
  readonly modules: readonly string[];
  readonly pipeline: Pipeline;
}

export interface CompileRequest {
  readonly notebook: string;
  readonly force?: boolean;
}

export interface ContractJudged {
  readonly event: 'contract_judged';
  readonly stage: string;
  readonly value: string;
  readonly passed: boolean;
  readonly policy: string;
  readonly problems: readonly string[];
  readonly columns: readonly string[];
  readonly batches: number;
  readonly missing: string;
  readonly seq: number;
  readonly time: number;
}

export interface DataPage {
  readonly run_id: string;
  readonly finished: number | null;
  readonly values: readonly ValueShown[];
  readonly problem: string;
}

export interface DebugRequest {
  readonly stage: string;
}

export interface DecisionAnswer {
  readonly outcome: 'promoted' | 'rejected' | 'rolled_back' | 'undecided';
  readonly name: string;
  readonly number: number;
  readonly reason: string;
  readonly hint: string;
}

export interface DecisionRequest {
  readonly decision: 'promote' | 'rollback';
  readonly name: string;
  readonly number?: number;
  readonly force?: boolean;
}

export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
  readonly cell_id: string | null;
  readonly cell: number | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly stage: string | null;
  readonly fixes: readonly Fix[];
  readonly notebook: string;
}

export interface Dimension {
  readonly name: string;
  readonly choices: readonly unknown[];
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  readonly step: number | null;
  readonly whole: boolean;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly names: readonly string[];
}

export interface Effect {
  readonly name: string;
  readonly kind: EffectKind;
  readonly cell_id: string | null;
  readonly line: number | null;
  readonly learned: boolean;
  readonly declared: boolean;
}

export type EffectKind = 'binds' | 'defines' | 'deletes' | 'may_bind' | 'mutates' | 'pure' | 'reads';

export interface EngineChoice {
  readonly name: string;
  readonly title: string;
  readonly problem: string;
}

export interface EngineList {
  readonly engines: readonly EngineChoice[];
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly cell_id: string | null;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ExecutedOutputs {
  readonly outputs: Readonly<Record<string, readonly (Readonly<Record<string, unknown>>)[]>>;
}

export interface Failure {
  readonly ename: string;
  readonly evalue: string;
  readonly kind: FailureKind;
  readonly cell_id: string | null;
  readonly position: number | null;
  readonly total: number | null;
  readonly line: number | null;
  readonly traceback: string;
  readonly frames: readonly Frame[];
  readonly hint: string;
}

export type FailureKind = 'approval' | 'cannot_travel' | 'contract' | 'effect' | 'error' | 'exit' | 'gate' | 'input' | 'internal' | 'kernel_died' | 'no_worker' | 'out_of_memory' | 'timeout' | 'worker' | 'worker_lost';

export interface Fix {
  readonly title: string;
  readonly cell_id: string;
  readonly add_tags: readonly string[];
  readonly remove_tags: readonly string[];
}

export interface Frame {
  readonly line: number;
  readonly source: string;
  readonly function: string;
  readonly cell_id: string | null;
  readonly position: number | null;
  readonly path: string | null;
  readonly omitted: number;
}

export interface Gate {
  readonly expression: string;
  readonly names: readonly string[];
  readonly cell_id: string;
}

export interface GateEvaluated {
  readonly event: 'gate_evaluated';
  readonly stage: string;
  readonly expression: string;
  readonly passed: boolean;
  readonly values: Readonly<Record<string, string>>;
  readonly error: string;
  readonly seq: number;
  readonly time: number;
}

export interface GraphAnswer {
  readonly name: string;
  readonly notebooks: readonly ListedFile[];
  readonly picture: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly parameters: readonly Parameter[];
}

export interface GraphRequest {
  readonly notebooks: string;
  readonly run_id?: string;
  readonly is_dark?: boolean;
}

export interface InputChanged {
  readonly event: 'input_changed';
  readonly stage: string;
  readonly from_stage: string;
  readonly names: readonly string[];
  readonly seq: number;
  readonly time: number;
}

export interface JoinedNotebook {
  readonly name: string;
  readonly source: Source;
  readonly kernel: string;
  readonly folder: string;
  readonly shares: readonly string[];
  readonly takes: Readonly<Record<string, string>>;
}

export interface KnownValue {
  readonly stage: string;
  readonly name: string;
  readonly summary: string;
  readonly bytes: number;
  readonly together: readonly string[];
  readonly earlier: string;
  readonly changed: boolean | null;
  readonly profile: ValueShown | null;
}

export interface LabelRequest {
  readonly queue: string;
  readonly task: string;
  readonly label: string;
}

export interface LabelsPage {
  readonly queues: readonly QueueShown[];
  readonly problem: string;
}

export interface ListedFile {
  readonly name: string;
  readonly path: string;
}

export interface LoadedValue {
  readonly type: string;
  readonly summary: string;
  readonly shape: readonly number[];
  readonly head: ValueHead | null;
  readonly items: readonly ValueItem[];
  readonly picture: ValuePicture | null;
  readonly text: string;
  readonly problems: readonly string[];
  readonly profile: ValueShown;
}

export interface LogChunk {
  readonly text: string;
  readonly offset: number;
  readonly next_offset: number;
  readonly final: boolean;
}

export interface LoopLine {
  readonly time: number;
  readonly kind: string;
  readonly text: string;
  readonly run_id: string;
}

export interface LoopPage {
  readonly exists: boolean;
  readonly file: string;
  readonly process: number;
  readonly watches: readonly string[];
  readonly promote: string;
  readonly due: number | null;
  readonly next: string;
  readonly waiting: readonly string[];
  readonly lines: readonly LoopLine[];
  readonly problem: string;
}

export interface Metric {
  readonly name: string;
  readonly cell_id: string;
}

export interface ModelShown {
  readonly name: string;
  readonly versions: readonly VersionShown[];
  readonly metric: string;
}

export interface ModelsPage {
  readonly registry: string;
  readonly models: readonly ModelShown[];
  readonly problem: string;
}

export interface MomentShown {
  readonly since: number;
  readonly version: string;
  readonly rows: number;
  readonly middle: number | null;
}

export interface MonitoringPage {
  readonly since: number;
  readonly services: readonly WatchedShown[];
  readonly problem: string;
}

export interface NoteRequest {
  readonly name?: string;
  readonly note?: string;
  readonly pinned?: boolean;
}

export interface PageRequest {
  readonly root?: string;
  readonly notebook?: string;
}

export interface Parameter {
  readonly name: string;
  readonly type: string;
  readonly default: unknown;
  readonly literal: string;
  readonly choices: readonly unknown[];
  readonly description: string;
  readonly cell_id: string;
}

export interface ParameterValue {
  readonly name: string;
  readonly literal: string;
  readonly value: unknown;
  readonly origin: string;
  readonly default: string;
  readonly type: string;
}

export interface Pipeline {
  readonly version: number;
  readonly name: string;
  readonly kernel: string;
  readonly source: Source;
  readonly parameters: readonly Parameter[];
  readonly stages: readonly Stage[];
  readonly edges: readonly Edge[];
  readonly diagnostics: readonly Diagnostic[];
  readonly description: string;
  readonly schedule: string | null;
  readonly contract_digests: Readonly<Record<string, string>>;
  readonly notebooks: readonly JoinedNotebook[];
}

export interface PlanAnswer {
  readonly stages: readonly PlannedStage[];
}

export interface PlanRequest {
  readonly notebook: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly targets?: readonly string[];
  readonly from?: readonly string[];
  readonly force?: readonly string[];
  readonly cache?: boolean;
  readonly keep_going?: boolean;
  readonly content?: Readonly<Record<string, unknown>> | null;
}

export interface PlannedStage {
  readonly name: string;
  readonly action: string;
  readonly reason: string;
  readonly saved_seconds: number;
}

export interface PreviewRequest {
  readonly name: string;
}

export interface Process {
  readonly pid: number;
  readonly start: string;
  readonly host: string;
  readonly space: string;
}

export interface QuestionShown {
  readonly run_id: string;
  readonly pipeline: string;
  readonly stage: string;
  readonly question: string;
  readonly asked: number;
  readonly state: 'approved' | 'rejected' | 'waiting';
  readonly by: string;
  readonly note: string;
  readonly metrics: Readonly<Record<string, number | boolean | string>>;
}

export interface QueueShown {
  readonly name: string;
  readonly answers: string;
  readonly choices: readonly string[];
  readonly total: number;
  readonly labelled: number;
  readonly tasks: readonly TaskShown[];
  readonly recent: readonly TaskShown[];
}

export interface Replay {
  readonly kind: ReplayKind;
  readonly names: readonly string[];
  readonly source: string;
  readonly digest: string;
  readonly cell_id: string;
  readonly line: number;
  readonly needed: boolean;
}

export type ReplayKind = 'ambient' | 'class' | 'constant' | 'function' | 'import' | 'shared';

export interface Run {
  readonly run_id: string;
  readonly pipeline: string;
  readonly state: RunState;
  readonly exit_code: number | null;
  readonly trigger: string;
  readonly resumed_from: string | null;
  readonly queued: number;
  readonly started: number | null;
  readonly finished: number | null;
  readonly seconds: number;
  readonly cancelled_by: string | null;
  readonly engine: string;
  readonly page: string;
  readonly silent_since: number | null;
  readonly stages: readonly StageRun[];
  readonly warnings: readonly WarningRaised[];
  readonly seq: number;
  readonly facts: RunFacts;
}

export interface RunChanged {
  readonly root: string;
  readonly run_id: string;
  readonly seq: number;
  readonly state: RunState;
}

export interface RunFacts {
  readonly notebook: string;
  readonly package: string;
  readonly workdir: string;
  readonly command: readonly string[];
  readonly hash_seed: number;
  readonly options: RunOptions;
  readonly workers: number;
  readonly runner: Process | null;
  readonly accepts_signals: boolean;
  readonly parameters: readonly ParameterValue[];
  readonly provenance: Readonly<Record<string, unknown>>;
  readonly shared: boolean;
  readonly notebooks: readonly RunNotebook[];
}

export interface RunList {
  readonly runs: readonly RunSummary[];
}

export interface RunNotebook {
  readonly name: string;
  readonly path: string;
}

export interface RunOptions {
  readonly targets: readonly string[];
  readonly from: readonly string[];
  readonly force: readonly string[];
  readonly force_all: boolean;
  readonly use_cache: boolean;
  readonly workers: number | null;
  readonly keep_going: boolean;
  readonly strict: boolean;
  readonly kernels: string;
  readonly executor: string;
  readonly scheduler: string | null;
  readonly trust: boolean;
  readonly allow_secret_values: boolean;
  readonly track: string;
}

export type RunState = 'cancelled' | 'failed' | 'interrupted' | 'queued' | 'running' | 'succeeded' | 'waiting';

export interface RunSummary {
  readonly run_id: string;
  readonly pipeline: string;
  readonly state: RunState;
  readonly trigger: string;
  readonly queued: number;
  readonly seconds: number;
  readonly stages_done: number;
  readonly stages_total: number;
  readonly notebook: string;
  readonly seq: number;
  readonly started: number | null;
  readonly finished: number | null;
  readonly failed_stage: string | null;
  readonly resumed_from: string | null;
  readonly parameters: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number | boolean | string>>;
  readonly name: string;
  readonly note: string;
  readonly pinned: boolean;
}

export interface SeriesShown {
  readonly name: string;
  readonly indices: readonly (number | null)[];
  readonly moved: readonly boolean[];
}

export interface ServicePage {
  readonly since: number;
  readonly services: readonly ServiceShown[];
  readonly problem: string;
}

export interface ServiceShown {
  readonly name: string;
  readonly address: string;
  readonly target: string;
  readonly workers: number;
  readonly mode: string;
  readonly share: number;
  readonly started: number | null;
  readonly versions: readonly TrafficOfVersion[];
  readonly buckets: readonly TrafficBucket[];
  readonly latency: Readonly<Record<string, number>>;
  readonly looked: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly problem: string;
}

export type Severity = 'error' | 'info' | 'warning';

export interface Source {
  readonly notebook: string;
  readonly digest: string;
}

export interface Stage {
  readonly name: string;
  readonly cells: readonly string[];
  readonly module: string;
  readonly notebook: string;
  readonly parameters: readonly string[];
  readonly inputs: readonly StageInput[];
  readonly outputs: readonly string[];
  readonly groups: readonly (readonly string[])[];
  readonly effects: readonly Effect[];
  readonly replays: readonly Replay[];
  readonly after: readonly string[];
  readonly metrics: readonly Metric[];
  readonly gates: readonly Gate[];
  readonly options: StageOptions;
  readonly imports: readonly string[];
  readonly frozen: readonly string[];
  readonly follows: Readonly<Record<string, readonly string[]>>;
  readonly kept: readonly string[];
}

export interface StageInput {
  readonly name: string;
  readonly from: string;
}

export interface StageOptions {
  readonly retries: number;
  readonly timeout_seconds: number | null;
  readonly cell_timeout_seconds: number | null;
  readonly cache_seconds: number | null;
  readonly cpus: number;
  readonly memory_bytes: number | null;
  readonly gpus: number;
  readonly image: string | null;
  readonly secrets: readonly string[];
  readonly limits: Readonly<Record<string, string>>;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly contracts: readonly string[];
  readonly labels: readonly string[];
  readonly approve: string;
  readonly promote: string;
}

export interface StageRun {
  readonly name: string;
  readonly state: StageState;
  readonly reason: string;
  readonly after: readonly string[];
  readonly attempts: number;
  readonly cells_done: number;
  readonly cells_total: number;
  readonly cell_id: string | null;
  readonly started: number | null;
  readonly finished: number | null;
  readonly seconds: number;
  readonly saved_seconds: number;
  readonly cached_from: string | null;
  readonly failure: Failure | null;
  readonly metrics: Readonly<Record<string, number | boolean | string>>;
  readonly gates: readonly GateEvaluated[];
  readonly contracts: readonly ContractJudged[];
  readonly approval: ApprovalChecked | null;
  readonly artifacts: readonly ArtifactWritten[];
  readonly changed: readonly InputChanged[];
  readonly contacts: readonly string[];
}

export type StageState = 'cached' | 'cancelled' | 'failed' | 'interrupted' | 'queued' | 'running' | 'skipped' | 'succeeded';

export interface StartRequest {
  readonly notebook: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly targets?: readonly string[];
  readonly from?: readonly string[];
  readonly force?: readonly string[];
  readonly cache?: boolean;
  readonly keep_going?: boolean;
}

export interface Started {
  readonly run_id: string;
}

export interface StudiesPage {
  readonly studies: readonly StudyShown[];
  readonly problem: string;
}

export interface StudyShown {
  readonly name: string;
  readonly notebook: string;
  readonly metric: string;
  readonly direction: string;
  readonly wanted: number;
  readonly space: readonly Dimension[];
  readonly trials: readonly Trial[];
  readonly best: number | null;
  readonly command: string;
}

export interface SubmitRequest {
  readonly engine: string;
  readonly notebook: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface SuggestAnswer {
  readonly stages: readonly SuggestedStage[];
  readonly tags: Readonly<Record<string, readonly string[]>>;
  readonly notes: readonly string[];
}

export interface SuggestRequest {
  readonly path: string;
  readonly content?: Readonly<Record<string, unknown>> | null;
}

export interface SuggestedStage {
  readonly name: string;
  readonly cells: readonly string[];
  readonly after: readonly string[];
  readonly receives: readonly string[];
  readonly reason: string;
}

export interface TaskShown {
  readonly id: string;
  readonly data: Readonly<Record<string, string>>;
  readonly suggested: string;
  readonly label: string;
}

export interface TrafficBucket {
  readonly since: number;
  readonly answers: number;
  readonly refused: number;
}

export interface TrafficOfVersion {
  readonly version: string;
  readonly role: string;
  readonly answers: number;
  readonly refused: number;
  readonly newest: number;
}

export interface Trial {
  readonly number: number;
  readonly values: Readonly<Record<string, unknown>>;
  readonly run_id: string;
  readonly state: 'failed' | 'infeasible' | 'pruned' | 'running' | 'succeeded';
  readonly value: number | null;
  readonly metrics: Readonly<Record<string, number | boolean | string>>;
  readonly steps: readonly number[];
  readonly seconds: number;
  readonly reason: string;
}

export interface ValueHead {
  readonly columns: readonly (readonly [string, string])[];
  readonly labels: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface ValueItem {
  readonly key: string;
  readonly summary: string;
  readonly text: string;
}

export interface ValuePicture {
  readonly media_type: string;
  readonly data: string;
}

export interface ValueShown {
  readonly stage: string;
  readonly name: string;
  readonly type: string;
  readonly rows: number | null;
  readonly contract: 'broken' | 'kept' | 'missing' | 'none' | 'unjudged';
  readonly policy: string;
  readonly by: string;
  readonly columns: readonly ColumnShown[];
  readonly columns_left_out: number;
  readonly findings: readonly string[];
  readonly batches: number;
  readonly last: BatchShown | null;
}

export interface ValuesAnswer {
  readonly values: readonly KnownValue[];
}

export interface VersionShown {
  readonly number: number;
  readonly aliases: readonly string[];
  readonly registered: number;
  readonly run_id: string;
  readonly rejected: string;
  readonly verdict: string;
  readonly metrics: Readonly<Record<string, number | boolean | string>>;
  readonly gates: Readonly<Record<string, boolean>>;
  readonly proofs: Readonly<Record<string, boolean>>;
  readonly parameters: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
  readonly commit: string;
  readonly notebook: string;
  readonly problem: string;
}

export interface VersionWaiting {
  readonly name: string;
  readonly number: number;
  readonly registered: number;
  readonly reason: string;
}

export interface WaitingPage {
  readonly questions: readonly QuestionShown[];
  readonly versions: readonly VersionWaiting[];
  readonly problem: string;
}

export interface WarningRaised {
  readonly event: 'warning_raised';
  readonly stage: string | null;
  readonly code: string;
  readonly message: string;
  readonly seq: number;
  readonly time: number;
}

export interface WatchedShown {
  readonly name: string;
  readonly state: 'alarm' | 'fine' | 'unknown';
  readonly versions: readonly WatchedVersion[];
  readonly moments: readonly MomentShown[];
  readonly series: readonly SeriesShown[];
  readonly problem: string;
  readonly every: number;
}

export interface WatchedVersion {
  readonly version: string;
  readonly run_id: string;
  readonly state: 'alarm' | 'fine' | 'unknown';
  readonly rows: number;
  readonly alarms: readonly string[];
  readonly ignored: Readonly<Record<string, string>>;
  readonly missing: string;
}

export interface WrittenNotebook {
  readonly path: string;
}
