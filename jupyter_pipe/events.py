"""What happens in a run, as data: the lines of `events.jsonl`.

The log is append-only, `seq` rises by one, and everything else (`run.json`, the live
table, the sidebar, the report) is a fold over it. Times are UTC, seconds since the
epoch.
"""

import enum
from functools import cache
from typing import Any, Literal, Union, get_args

import msgspec
from msgspec import Struct

__all__ = [
    "DEMANDS",
    "EVENT_NAMES",
    "FINAL_STAGE_STATES",
    "ApprovalChecked",
    "ApprovalState",
    "ArtifactWritten",
    "CellFinished",
    "CellStarted",
    "ContractJudged",
    "EngineSeen",
    "Event",
    "FailureKind",
    "Frame",
    "GateEvaluated",
    "InputChanged",
    "MetricLogged",
    "RunCancelRequested",
    "RunFinished",
    "RunQueued",
    "RunStarted",
    "RunState",
    "StageCached",
    "StageCancelled",
    "StageFailed",
    "StageFinished",
    "StageQueued",
    "StageRetrying",
    "StageSkipped",
    "StageStarted",
    "StageState",
    "WarningRaised",
    "decode_event",
    "encode_event",
]


class RunState(enum.Enum):
    queued = "queued"
    running = "running"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"
    interrupted = "interrupted"
    waiting = "waiting"


class StageState(enum.Enum):
    queued = "queued"
    running = "running"
    succeeded = "succeeded"
    cached = "cached"
    failed = "failed"
    skipped = "skipped"
    cancelled = "cancelled"
    interrupted = "interrupted"


class FailureKind(enum.Enum):
    """What kind of thing ended a stage.

    `error` is an exception of the user's code, `input` a cell that asked for input,
    `effect` a change that `--strict` refuses, `contract` data that is not as its
    contract says, `approval` a result that waits for a person, `worker` a machine on
    which the
    stage could not be prepared, `worker_lost` one that went away with it, `no_worker`
    that no machine has what the stage asks for.
    """

    error = "error"
    gate = "gate"
    contract = "contract"
    approval = "approval"
    timeout = "timeout"
    kernel_died = "kernel_died"
    out_of_memory = "out_of_memory"
    exit = "exit"
    input = "input"
    cannot_travel = "cannot_travel"
    effect = "effect"
    worker = "worker"
    worker_lost = "worker_lost"
    no_worker = "no_worker"
    internal = "internal"


# Their messages are whole sentences: the name of an exception is left out where they
# are shown.
DEMANDS = frozenset({FailureKind.gate, FailureKind.contract, FailureKind.approval})
"""Failures of what a result should have been: all cells ran, and no cell is to
blame."""
FINAL_STAGE_STATES = frozenset(StageState) - {StageState.queued, StageState.running}


# By keyword: `seq` and `time` have defaults, and stand before fields that have none.
class _Event(Struct, frozen=True, tag_field="event", kw_only=True):
    """`seq` and `time` are filled in by the log when the event is appended."""

    seq: int = 0
    time: float = 0.0


class RunQueued(_Event, frozen=True, tag="run_queued"):
    """`trigger` is who asked: `cli`, `jupyterlab`, `api`, `schedule`; `engine` for
    another engine."""

    run_id: str
    pipeline: str
    stages: tuple[str, ...]
    trigger: str = "cli"
    resumed_from: str | None = None


class RunStarted(_Event, frozen=True, tag="run_started"):
    pid: int
    workers: int


class StageQueued(_Event, frozen=True, tag="stage_queued"):
    """`reason` says why the stage will run ("code changed in cell 7"); `after` what it
    waits for."""

    stage: str
    reason: str = ""
    after: tuple[str, ...] = ()
    cells: int = 0


class StageStarted(_Event, frozen=True, tag="stage_started"):
    stage: str
    attempt: int = 1


class CellStarted(_Event, frozen=True, tag="cell_started"):
    """`position` counts the stage's own cells from 1, of `total`."""

    stage: str
    cell_id: str
    position: int
    total: int


class CellFinished(_Event, frozen=True, tag="cell_finished"):
    stage: str
    cell_id: str
    position: int
    total: int
    seconds: float


class StageFinished(_Event, frozen=True, tag="stage_finished"):
    """`contacts` says, in phrases, what the stage was in touch with that nobody can
    compare."""

    stage: str
    seconds: float
    attempt: int = 1
    contacts: tuple[str, ...] = ()


class StageCached(_Event, frozen=True, tag="stage_cached"):
    """`run_id` is the run that computed the result, `saved_seconds` what it took there;
    `contacts` are those of `StageFinished`."""

    stage: str
    reason: str
    run_id: str | None = None
    saved_seconds: float = 0.0
    contacts: tuple[str, ...] = ()


class Frame(Struct, frozen=True):
    """One frame of the user's own code. `cell_id` for cells, `path` for modules beside
    them. Of a deep recursion the middle is left out: `omitted` frames would stand after
    this one."""

    line: int
    source: str
    function: str = "<module>"
    cell_id: str | None = None
    position: int | None = None
    path: str | None = None
    omitted: int = 0


class StageFailed(_Event, frozen=True, tag="stage_failed"):
    """`position` is the cell within the stage, from 1; `traceback` only the user's
    frames, as text."""

    stage: str
    ename: str
    evalue: str
    kind: FailureKind = FailureKind.error
    cell_id: str | None = None
    position: int | None = None
    total: int | None = None
    line: int | None = None
    traceback: str = ""
    frames: tuple[Frame, ...] = ()
    hint: str = ""
    seconds: float = 0.0
    attempt: int = 1


class StageSkipped(_Event, frozen=True, tag="stage_skipped"):
    stage: str
    reason: str


class StageCancelled(_Event, frozen=True, tag="stage_cancelled"):
    stage: str
    seconds: float = 0.0


class StageRetrying(_Event, frozen=True, tag="stage_retrying"):
    stage: str
    attempt: int
    delay_seconds: float
    reason: str


class InputChanged(_Event, frozen=True, tag="input_changed"):
    """The guard found that `stage` changed what it received from `from_stage`."""

    stage: str
    from_stage: str
    names: tuple[str, ...]


class MetricLogged(_Event, frozen=True, tag="metric_logged"):
    stage: str
    name: str
    value: float | int | bool | str


class GateEvaluated(_Event, frozen=True, tag="gate_evaluated"):
    """`values` are the observed values of the names that the expression reads, as
    text."""

    stage: str
    expression: str
    passed: bool
    values: dict[str, str] = {}
    error: str = ""


class ContractJudged(_Event, frozen=True, tag="contract_judged"):
    """A value was held against its contract. `problems` are sentences, one for each
    thing that is wrong, and `columns` those that they are about. `policy` is `stop`,
    `quarantine`, `warn`, `none` without a contract file, or `schema` for a schema of
    the notebook's own. `batches` counts those that were judged apart. `missing` says
    why the value could not be judged, if that is so."""

    stage: str
    value: str
    passed: bool
    policy: str = "stop"
    problems: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    batches: int = 0
    missing: str = ""


ApprovalState = Literal["waiting", "approved", "rejected"]


class ApprovalChecked(_Event, frozen=True, tag="approval_checked"):
    """A stage tagged `approve:` has ended, and asks a person. `digest` is that of what
    is asked about, `by` and `at` (UTC seconds) say who answered, and when."""

    stage: str
    question: str
    digest: str
    state: ApprovalState = "waiting"
    by: str = ""
    at: float = 0.0
    note: str = ""


class ArtifactWritten(_Event, frozen=True, tag="artifact_written"):
    """`summary` describes each name for people: type and shape (`DataFrame 4,318 x
    9`)."""

    stage: str
    names: tuple[str, ...]
    artifact: str
    bytes: int
    summary: dict[str, str] = {}


class WarningRaised(_Event, frozen=True, tag="warning_raised"):
    """Something a user should know that is not a failure (two writers of an ambient
    component)."""

    stage: str | None
    code: str
    message: str


class EngineSeen(_Event, frozen=True, tag="engine_seen"):
    """Another engine runs the stages. `page` is the run's address there. `silent_since`
    says from when on (UTC seconds) it has not answered, None that it answers; `message`
    is why."""

    engine: str
    page: str = ""
    silent_since: float | None = None
    message: str = ""


class RunCancelRequested(_Event, frozen=True, tag="run_cancel_requested"):
    by: str = "user"


class RunFinished(_Event, frozen=True, tag="run_finished"):
    state: RunState
    exit_code: int
    seconds: float


Event = Union[  # noqa: UP007 - a runtime union, for the decoder
    RunQueued,
    RunStarted,
    StageQueued,
    StageStarted,
    CellStarted,
    CellFinished,
    StageFinished,
    StageCached,
    StageFailed,
    StageSkipped,
    StageCancelled,
    StageRetrying,
    InputChanged,
    MetricLogged,
    GateEvaluated,
    ContractJudged,
    ApprovalChecked,
    ArtifactWritten,
    WarningRaised,
    EngineSeen,
    RunCancelRequested,
    RunFinished,
]

# From the union, so that no name can be missing here.
EVENT_NAMES = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Event))
_encoder = msgspec.json.Encoder()


def encode_event(event: Any) -> bytes:
    """One line of the log, newline included."""
    return _encoder.encode(event) + b"\n"


def decode_event(line: bytes) -> Event:
    """Raises msgspec.ValidationError or msgspec.DecodeError."""
    event: Event = _decoder().decode(line)
    return event


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    """Made when the first log is read: a run in which nothing changed only writes
    one."""
    return msgspec.json.Decoder(Event)
