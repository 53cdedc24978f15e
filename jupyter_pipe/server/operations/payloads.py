"""What the Operations tab takes and gives. Frozen records; no behaviour.

Times are UTC seconds since the epoch. What could not be read is a `problem` of its
page, a sentence: the rest of the page is there all the same.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_pipe.events import ApprovalState
from jupyter_pipe.sweeps.model import Dimension, Trial

__all__ = [
    "AnswerRequest",
    "BatchShown",
    "ColumnShown",
    "DataPage",
    "DecisionAnswer",
    "DecisionRequest",
    "LabelRequest",
    "LabelsPage",
    "LoopLine",
    "LoopPage",
    "ModelShown",
    "ModelsPage",
    "MomentShown",
    "MonitoringPage",
    "PageRequest",
    "QuestionShown",
    "QueueShown",
    "SeriesShown",
    "ServicePage",
    "ServiceShown",
    "StudiesPage",
    "StudyShown",
    "TaskShown",
    "TrafficBucket",
    "TrafficOfVersion",
    "ValueShown",
    "VersionShown",
    "VersionWaiting",
    "WaitingPage",
    "WatchedShown",
    "WatchedVersion",
]


class PageRequest(Struct, frozen=True):
    """`root` is the folder that holds `.jupyter_pipe/`, `notebook` the notebook, both
    as paths below the server's root."""

    root: str = ""
    notebook: str = ""


# Waiting for you


class QuestionShown(Struct, frozen=True):
    """A question that a stage asks (`approve:`). `state` is what has been said of it by
    now; one that is answered waits for its run to go on."""

    run_id: str
    pipeline: str
    stage: str
    question: str
    asked: float
    state: ApprovalState = "waiting"
    by: str = ""
    note: str = ""
    metrics: dict[str, float | int | bool | str] = {}


class VersionWaiting(Struct, frozen=True):
    """A version of a model that nobody has decided upon."""

    name: str
    number: int
    registered: float
    reason: str = ""


class WaitingPage(Struct, frozen=True):
    questions: tuple[QuestionShown, ...]
    versions: tuple[VersionWaiting, ...]
    problem: str = ""


class AnswerRequest(Struct, frozen=True):
    """What a person says of a question. `note` is kept with it."""

    run_id: str
    stage: str
    approved: bool
    note: str = ""


# Models


class VersionShown(Struct, frozen=True):
    """A version, and what it came from. `gates` and `proofs` map a text to whether it
    holds. `files` are those that its run read, with the beginning of their digest.
    `problem` says why nothing is known of it but what the registry says."""

    number: int
    aliases: tuple[str, ...]
    registered: float
    run_id: str
    rejected: str = ""
    verdict: str = ""
    metrics: dict[str, float | int | bool | str] = {}
    gates: dict[str, bool] = {}
    proofs: dict[str, bool] = {}
    parameters: dict[str, str] = {}
    files: dict[str, str] = {}
    commit: str = ""
    notebook: str = ""
    problem: str = ""


class ModelShown(Struct, frozen=True):
    """`metric` is what its comparisons use, empty where nobody said. Versions are
    newest first."""

    name: str
    versions: tuple[VersionShown, ...]
    metric: str = ""


class ModelsPage(Struct, frozen=True):
    """`registry` is where it is, for people."""

    registry: str
    models: tuple[ModelShown, ...]
    problem: str = ""


class DecisionRequest(Struct, frozen=True):
    """`promote` judges version `number` and lets it answer if it is good enough;
    `force` leaves out the comparison. `rollback` lets the version that answered before
    answer again."""

    decision: Literal["promote", "rollback"]
    name: str
    number: int = 0
    force: bool = False


class DecisionAnswer(Struct, frozen=True):
    """What became of it. `number` is the version that answers now, if one does."""

    outcome: Literal["promoted", "rejected", "undecided", "rolled_back"]
    name: str
    number: int
    reason: str = ""
    hint: str = ""


# Data


class ColumnShown(Struct, frozen=True):
    """A column of a value, as its profile has it. `histogram` counts rows from the
    least to the most, `top` the most frequent values. `drift` is the stability index
    against the contract's reference, `limit` the largest that it allows. `expected` is
    what the contract says, `problems` where the column is not so."""

    name: str
    type: str
    rows: int
    nulls: int
    distinct: int
    low: float | None = None
    middle: float | None = None
    high: float | None = None
    histogram: tuple[int, ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    drift: float | None = None
    limit: float | None = None
    expected: str = ""
    problems: tuple[str, ...] = ()


class BatchShown(Struct, frozen=True):
    """The rows of one value of the contract's `by` column."""

    name: str
    rows: int
    problems: tuple[str, ...]


ContractState = Literal["none", "missing", "kept", "broken", "unjudged"]


class ValueShown(Struct, frozen=True):
    """A value that a stage left. `contract` is the state of its contract: `missing` is
    tagged and has no file yet, `broken` is not as the file says. `findings` are all
    that is wrong, `last` is the newest batch."""

    stage: str
    name: str
    type: str
    rows: int | None
    contract: ContractState
    policy: str = ""
    by: str = ""
    columns: tuple[ColumnShown, ...] = ()
    columns_left_out: int = 0
    findings: tuple[str, ...] = ()
    batches: int = 0
    last: BatchShown | None = None


class DataPage(Struct, frozen=True):
    """What the newest run with values left. `run_id` is empty before the first."""

    run_id: str
    finished: float | None
    values: tuple[ValueShown, ...]
    problem: str = ""


# Studies


class StudyShown(Struct, frozen=True):
    """`best` is the number of the best trial. `command` goes on with the study."""

    name: str
    notebook: str
    metric: str
    direction: str
    wanted: int
    space: tuple[Dimension, ...]
    trials: tuple[Trial, ...]
    best: int | None
    command: str


class StudiesPage(Struct, frozen=True):
    studies: tuple[StudyShown, ...]
    problem: str = ""


# Service


class TrafficBucket(Struct, frozen=True):
    """Answers between `since` and the next bucket, of which `refused` were refusals."""

    since: float
    answers: int
    refused: int


class TrafficOfVersion(Struct, frozen=True):
    """What one version answered, in one role (`champion`, `challenger`)."""

    version: str
    role: str
    answers: int
    refused: int
    newest: float


class ServiceShown(Struct, frozen=True):
    """A model that is or was served. `address` is where it listens now, empty where
    none runs. `latency` has seconds at 50, 95 and 99 %, of the newest `looked` answers;
    `refusals` counts those by column and rule."""

    name: str
    address: str
    target: str
    workers: int
    mode: str
    share: float
    started: float | None
    versions: tuple[TrafficOfVersion, ...]
    buckets: tuple[TrafficBucket, ...]
    latency: dict[str, float]
    looked: int
    refusals: dict[str, int]
    problem: str = ""


class ServicePage(Struct, frozen=True):
    """Traffic since `since`."""

    since: float
    services: tuple[ServiceShown, ...]
    problem: str = ""


# Loop


class LoopLine(Struct, frozen=True):
    """One record of the loop, in words. `run_id` is the run that it is about, if there
    is one."""

    time: float
    kind: str
    text: str
    run_id: str = ""


class LoopPage(Struct, frozen=True):
    """`exists` says whether the notebook has a loop file. `process` runs the loop, 0 if
    none does. `next` says what the next step does, or why it does nothing yet; `due` is
    the next time of the schedule."""

    exists: bool
    file: str
    process: int = 0
    watches: tuple[str, ...] = ()
    promote: str = ""
    due: float | None = None
    next: str = ""
    waiting: tuple[str, ...] = ()
    lines: tuple[LoopLine, ...] = ()
    problem: str = ""


# Monitoring


class WatchedVersion(Struct, frozen=True):
    """A version that answered. `alarms` are sentences; `ignored` maps columns that are
    not compared to the reason. `missing` says why the version could not be compared."""

    version: str
    run_id: str
    state: Literal["fine", "alarm", "unknown"]
    rows: int
    alarms: tuple[str, ...] = ()
    ignored: dict[str, str] = {}
    missing: str = ""


class MomentShown(Struct, frozen=True):
    """A batch of rows that were asked one after the other: when it began, who answered,
    and the median of the predictions, if they are numbers."""

    since: float
    version: str
    rows: int
    middle: float | None = None


class SeriesShown(Struct, frozen=True):
    """How far a column was from the run that made the model, at each moment: its
    stability index, null where it is not known, and whether it counts as moved."""

    name: str
    indices: tuple[float | None, ...]
    moved: tuple[bool, ...]


class WatchedShown(Struct, frozen=True):
    """A model that is or was served. `series` has the columns that moved furthest
    first. Of many answers only one of `every` so many was looked at."""

    name: str
    state: Literal["fine", "alarm", "unknown"]
    versions: tuple[WatchedVersion, ...]
    moments: tuple[MomentShown, ...]
    series: tuple[SeriesShown, ...]
    problem: str = ""
    every: int = 1


class MonitoringPage(Struct, frozen=True):
    """What was asked since `since`."""

    since: float
    services: tuple[WatchedShown, ...]
    problem: str = ""


# Labels


class TaskShown(Struct, frozen=True):
    """A row to be labelled; `suggested` may be confirmed, `label` is what this user has
    said so far."""

    id: str
    data: dict[str, str]
    suggested: str = ""
    label: str = ""


class QueueShown(Struct, frozen=True):
    """Rows that wait, of which `labelled` have this user's label. `tasks` are the next
    ones, `recent` some that are done and may be changed. `answers` is the file that the
    labels go to."""

    name: str
    answers: str
    choices: tuple[str, ...]
    total: int
    labelled: int
    tasks: tuple[TaskShown, ...] = ()
    recent: tuple[TaskShown, ...] = ()


class LabelsPage(Struct, frozen=True):
    queues: tuple[QueueShown, ...]
    problem: str = ""


class LabelRequest(Struct, frozen=True):
    """The label of the row `task` of a queue."""

    queue: str
    task: str
    label: str
