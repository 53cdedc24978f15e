"""What a run is, at any moment: frozen records, no behaviour beyond lookups, no I/O.

Everything in `Run` but `facts` follows from the run's events (`runs.fold`); `facts` is
what was fixed before the first of them.
"""

import os
from typing import Any

from msgspec import Struct

from jupyter_pipe.events import (
    ApprovalChecked,
    ArtifactWritten,
    ContractJudged,
    FailureKind,
    Frame,
    GateEvaluated,
    InputChanged,
    RunState,
    StageState,
    WarningRaised,
)

__all__ = [
    "Failure",
    "ParameterValue",
    "Process",
    "Run",
    "RunFacts",
    "RunOptions",
    "StageRun",
]


class Process(Struct, frozen=True):
    """One process of one host, told apart from a later one with the same pid by its
    start:
    an opaque text that the operating system gives. `space` names the pids that its pid
    is one of: containers of one host, or of one hostname, may each have pids of their
    own."""

    pid: int
    start: str
    host: str
    space: str = ""


class ParameterValue(Struct, frozen=True):
    """The value of a parameter in a run. `literal` is Python source; `value` is its
    JSON, or its literal where JSON has none; `origin` says where it came from: "command
    line", "notebook"."""

    name: str
    literal: str
    value: Any
    origin: str
    default: str
    type: str = "any"

    @property
    def changed(self) -> bool:
        """Whether the notebook holds another value."""
        return self.literal != self.default


class RunOptions(Struct, frozen=True, rename={"from_": "from"}):
    """What a run is asked to run, and how. The defaults are those of a plain run.

    `targets` run with all that they need, `from_` run again with all that depends on
    them, `force` names stages that run whatever is known, `force_all` makes that all.
    `workers` is the number of stages at a time (None: the cores). `kernels` is `fork`
    for warm ones where that is safe, or `fresh`. `executor` is `local` or `dask`,
    `scheduler` the address of a Dask cluster. `allow_secret_values` lets values that
    hold a secret be stored for later stages. `track` is the address of the tracker that
    is told about the run.
    """

    targets: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    force: tuple[str, ...] = ()
    force_all: bool = False
    use_cache: bool = True
    workers: int | None = None
    keep_going: bool = False
    strict: bool = False
    kernels: str = "fork"
    executor: str = "local"
    scheduler: str | None = None
    trust: bool = False
    allow_secret_values: bool = False
    track: str = ""


class RunNotebook(Struct, frozen=True):
    """One of several notebooks of a run: its stages are `name.stage`; `path` is
    absolute."""

    name: str
    path: str


class RunFacts(Struct, frozen=True):
    """What does not change while a run goes on.

    Paths are absolute. `options` are as they were asked for; `workers` is the number of
    stages at a time that came of them. `accepts_signals` says that the runner cancels
    the run when it receives SIGTERM. `provenance` holds what is known about code and
    environment (git commit, versions). `shared` says that another engine runs the
    stages, each in a process of its own: no process is the runner. `notebooks` are
    those of a pipeline of several, in their order; `notebook` is then the file that
    lists them, or the first of them.
    """

    notebook: str = ""
    package: str = ""
    workdir: str = ""
    command: tuple[str, ...] = ()
    hash_seed: int = 0
    options: RunOptions = RunOptions()
    workers: int = 1
    runner: Process | None = None
    accepts_signals: bool = False
    parameters: tuple[ParameterValue, ...] = ()
    provenance: dict[str, Any] = {}
    shared: bool = False
    notebooks: tuple[RunNotebook, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the notebooks, also of a single one."""
        if self.notebooks:
            return tuple(each.path for each in self.notebooks)
        return (self.notebook,) if self.notebook else ()

    def notebook_of(self, stage: str) -> str:
        """The path of the notebook that a stage is of."""
        name = stage.partition(".")[0]
        return next(
            (each.path for each in self.notebooks if each.name == name), self.notebook
        )

    def folder_of(self, stage: str) -> str:
        """Where the stage ran: of several notebooks, each in its own folder."""
        return (
            os.path.dirname(self.notebook_of(stage)) if self.notebooks else self.workdir
        )


class Failure(Struct, frozen=True):
    """Why a stage failed; the fields are those of the event `stage_failed`."""

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


class StageRun(Struct, frozen=True):
    """One stage in a run.

    `cells_done` of `cells_total` user cells have finished, `cell_id` is the one that
    runs. `cached_from` is the run that computed a reused result. `contacts` are
    phrases: what the stage was in touch with that nobody can compare. Times are UTC
    seconds since the epoch.
    """

    name: str
    state: StageState = StageState.queued
    reason: str = ""
    after: tuple[str, ...] = ()
    attempts: int = 0
    cells_done: int = 0
    cells_total: int = 0
    cell_id: str | None = None
    started: float | None = None
    finished: float | None = None
    seconds: float = 0.0
    saved_seconds: float = 0.0
    cached_from: str | None = None
    failure: Failure | None = None
    metrics: dict[str, float | int | bool | str] = {}
    gates: tuple[GateEvaluated, ...] = ()
    contracts: tuple[ContractJudged, ...] = ()
    approval: ApprovalChecked | None = None
    artifacts: tuple[ArtifactWritten, ...] = ()
    changed: tuple[InputChanged, ...] = ()
    contacts: tuple[str, ...] = ()


class Run(Struct, frozen=True):
    """A run: `run.json`. `seq` is the last event that it reflects. `engine` is what
    runs the stages if that is not us, `page` the run's address there, `silent_since`
    from when on it has not answered."""

    run_id: str = ""
    pipeline: str = ""
    state: RunState = RunState.queued
    exit_code: int | None = None
    trigger: str = "cli"
    resumed_from: str | None = None
    queued: float = 0.0
    started: float | None = None
    finished: float | None = None
    seconds: float = 0.0
    cancelled_by: str | None = None
    engine: str = ""
    page: str = ""
    silent_since: float | None = None
    stages: tuple[StageRun, ...] = ()
    warnings: tuple[WarningRaised, ...] = ()
    seq: int = 0
    facts: RunFacts = RunFacts()

    def stage(self, name: str) -> StageRun:
        """The stage called `name`. Raises KeyError."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    @property
    def is_final(self) -> bool:
        return self.state not in {RunState.queued, RunState.running}

    @property
    def metrics(self) -> dict[str, float | int | bool | str]:
        """The metrics of all stages; a later stage's value wins over an earlier
        one's."""
        return {
            name: value
            for stage in self.stages
            for name, value in stage.metrics.items()
        }

    def _repr_html_(self) -> str:
        """The DAG with states and the table of stages, in a notebook."""
        from jupyter_pipe.runs.report.run_html import run_html

        return run_html(self)
