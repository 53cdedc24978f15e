"""What the REST interface takes and gives, besides the nouns. Frozen records; no
behaviour.

The front end's types are generated from these (`labextension/generate.py`), and the
OpenAPI description is built from them, so that there is one definition of each.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from jupyter_pipe.events import RunState
from jupyter_pipe.model import Diagnostic, Parameter, Pipeline
from jupyter_pipe.suggest import SuggestedStage

__all__ = [
    "CheckAnswer",
    "CheckRequest",
    "CompileAnswer",
    "CompileRequest",
    "DebugRequest",
    "EngineChoice",
    "EngineList",
    "ErrorBody",
    "ExecutedOutputs",
    "GraphAnswer",
    "GraphRequest",
    "ListedFile",
    "LogChunk",
    "NoteRequest",
    "PlanAnswer",
    "PlanRequest",
    "PlannedStage",
    "RunChanged",
    "RunList",
    "RunSummary",
    "StartRequest",
    "Started",
    "SubmitRequest",
    "SuggestAnswer",
    "SuggestRequest",
    "WrittenNotebook",
]


class ErrorBody(Struct, frozen=True):
    """The one shape of every error. `code` is stable and for programs, the rest for
    people."""

    code: str
    message: str
    hint: str = ""
    cell_id: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class CheckRequest(Struct, frozen=True):
    """`notebook` is a path below the server's root; `content` the notebook as edited,
    unsaved."""

    notebook: str
    content: dict[str, Any] | None = None


class CheckAnswer(Struct, frozen=True):
    """`pipeline` is None where there are errors that leave no pipeline. A notebook that
    is kept as text has no ids in its file: `cells` maps those that its runs give to
    cells to those of the document as sent."""

    diagnostics: tuple[Diagnostic, ...]
    pipeline: Pipeline | None = None
    cells: dict[str, str] = {}


class CompileRequest(Struct, frozen=True):
    notebook: str
    force: bool = False


class CompileAnswer(Struct, frozen=True):
    """`folder` and `modules` are paths below the server's root."""

    folder: str
    modules: tuple[str, ...]
    pipeline: Pipeline


class SuggestRequest(Struct, frozen=True):
    """`path` is below the server's root; `content` the notebook as edited, unsaved."""

    path: str
    content: dict[str, Any] | None = None


class SuggestAnswer(Struct, frozen=True):
    """`tags` are what to add to which cell; nothing is removed. `notes` are for the
    user to read."""

    stages: tuple[SuggestedStage, ...]
    tags: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]


class StartRequest(Struct, frozen=True, rename={"from_": "from"}):
    """The options of `jupyter pipe run`. A value of `parameters` is the text that a
    user typed."""

    notebook: str
    parameters: dict[str, str] = {}
    targets: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    force: tuple[str, ...] = ()
    cache: bool = True
    keep_going: bool = False


class EngineChoice(Struct, frozen=True):
    """An engine that can run pipelines. `name` is what is asked for: a configuration's,
    else the engine's own. `problem` says why it cannot be used for the notebook; empty
    if it can."""

    name: str
    title: str
    problem: str = ""


class EngineList(Struct, frozen=True):
    """Those that are configured come first."""

    engines: tuple[EngineChoice, ...]


class SubmitRequest(Struct, frozen=True):
    """A run of the saved notebook, or of a `pipeline.toml`, in the engine of that name.
    A value of `parameters` is the text that a user typed."""

    engine: str
    notebook: str
    parameters: dict[str, str] = {}


class PlanRequest(StartRequest, frozen=True, rename={"from_": "from"}):
    """A plan takes what a run takes. `content` is the notebook as it is being edited,
    if it is not saved."""

    content: dict[str, Any] | None = None


class PlannedStage(Struct, frozen=True):
    name: str
    action: str
    reason: str
    saved_seconds: float = 0.0


class PlanAnswer(Struct, frozen=True):
    stages: tuple[PlannedStage, ...]


class Started(Struct, frozen=True):
    run_id: str


class NoteRequest(Struct, frozen=True):
    """What to write on a run, instead of what is written there."""

    name: str = ""
    note: str = ""
    pinned: bool = False


class RunSummary(Struct, frozen=True):
    """A run as its list shows it. `failed_stage` is the first that failed; `parameters`
    are those that differ from the notebook, as Python source. What people wrote on it:
    `name`, `note`, `pinned`."""

    run_id: str
    pipeline: str
    state: RunState
    trigger: str
    queued: float
    seconds: float
    stages_done: int
    stages_total: int
    notebook: str
    seq: int
    started: float | None = None
    finished: float | None = None
    failed_stage: str | None = None
    resumed_from: str | None = None
    parameters: dict[str, str] = {}
    metrics: dict[str, float | int | bool | str] = {}
    name: str = ""
    note: str = ""
    pinned: bool = False


class GraphRequest(Struct, frozen=True):
    """`notebooks` is the path of a `pipeline.toml` below the server's root, `run_id` a
    run of it whose states are drawn."""

    notebooks: str
    run_id: str = ""
    is_dark: bool = False


class ListedFile(Struct, frozen=True):
    """`name` begins the names of its stages; `path` is below the server's root."""

    name: str
    path: str


class GraphAnswer(Struct, frozen=True):
    """The one pipeline of several notebooks: `picture` is an SVG with a frame for
    each, `parameters` are called `notebook.parameter`."""

    name: str
    notebooks: tuple[ListedFile, ...]
    picture: str
    diagnostics: tuple[Diagnostic, ...] = ()
    parameters: tuple[Parameter, ...] = ()


class RunList(Struct, frozen=True):
    """Newest first."""

    runs: tuple[RunSummary, ...]


class LogChunk(Struct, frozen=True):
    """Text from `offset`; ask for `next_offset` next. `final` says that nothing will
    follow."""

    text: str
    offset: int
    next_offset: int
    final: bool


class DebugRequest(Struct, frozen=True):
    stage: str


class WrittenNotebook(Struct, frozen=True):
    """A notebook that was written for the user, as a path below the server's root."""

    path: str


class ExecutedOutputs(Struct, frozen=True):
    """nbformat outputs of a stage's cells, by the id of the source cell."""

    outputs: dict[str, list[dict[str, Any]]]


class RunChanged(Struct, frozen=True):
    """The invalidation that `jupyter_events` carries: run `run_id` below folder `root`
    has reached event `seq`. What changed is fetched over REST."""

    root: str
    run_id: str
    seq: int
    state: RunState
