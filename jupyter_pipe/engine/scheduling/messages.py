"""What the machine is told and what it asks for, as data.

`Message`s come from the shell (a stage ended, the user cancels), `Instruction`s go back
to it (launch this stage, log this event). Neither holds anything that lives: no thread,
file or clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Union

from msgspec import Struct

from jupyter_pipe.artifacts.protocol import Observations, ObservedPath, StageResult
from jupyter_pipe.events import RunState
from jupyter_pipe.model import Learned
from jupyter_pipe.runs.model import Failure

__all__ = [
    "Begin",
    "Cancel",
    "Check",
    "CheckLater",
    "Finish",
    "Instruction",
    "Launch",
    "Learn",
    "Log",
    "Message",
    "Record",
    "RetryDue",
    "Reuse",
    "StageBroke",
    "StageChecked",
    "StageEnded",
    "StageStopped",
    "Stop",
    "TakeBack",
    "WakeLater",
]


class Reuse(Struct, frozen=True):
    """An earlier result that serves: computed by `run_id` in `seconds`. `newcomers` are
    files that have come into folders which the stage empties, each with the stage
    further down that is expected to write it."""

    result: StageResult
    run_id: str | None = None
    seconds: float = 0.0
    newcomers: Mapping[str, str] = {}


class Begin(Struct, frozen=True):
    """The run starts, at `time_ns` (nanoseconds since the epoch): files that are older
    were there before."""

    time_ns: int = 0


class StageChecked(Struct, frozen=True):
    """The answer to `Check`: a result to reuse, or None; `reason` explains either. With
    `waits` it is too early to say, since another run is computing the result. `remake`
    are stages that must run before this one, since their files are no longer as they
    left them."""

    stage: str
    turn: int
    reason: str
    reuse: Reuse | None = None
    waits: bool = False
    remake: tuple[str, ...] = ()


class StageEnded(Struct, frozen=True):
    """The stage's cells have run and its kernel reported."""

    stage: str
    attempt: int
    result: StageResult
    seconds: float


class StageBroke(Struct, frozen=True):
    """The attempt failed. `observed` is what the stage had touched by then."""

    stage: str
    attempt: int
    failure: Failure
    seconds: float
    observed: Observations = Observations()


class StageStopped(Struct, frozen=True):
    """The attempt ended because `Stop` asked for it."""

    stage: str
    attempt: int
    seconds: float


class RetryDue(Struct, frozen=True):
    """The rest that `WakeLater` asked for is over."""

    stage: str
    attempt: int


class Cancel(Struct, frozen=True):
    """Someone wants the run to end. The second time, or with `hard`, at once."""

    by: str
    hard: bool = False


Message = Union[  # noqa: UP007 - a runtime union, for annotations evaluated by msgspec
    Begin, StageChecked, StageEnded, StageBroke, StageStopped, RetryDue, Cancel
]


class Log(Struct, frozen=True):
    """Append this event to the run's log."""

    event: Any


class Check(Struct, frozen=True):
    """All inputs of the stage are there: is there a result to reuse? Answer with
    `StageChecked`. With `remade` there is none: the stage must write its files
    again."""

    stage: str
    turn: int
    remade: bool = False


class CheckLater(Struct, frozen=True):
    """As `Check`, after so many seconds."""

    stage: str
    turn: int
    seconds: float
    remade: bool = False


class Launch(Struct, frozen=True):
    """Start an attempt. Answer with `StageEnded`, `StageBroke` or `StageStopped`."""

    stage: str
    attempt: int


class Stop(Struct, frozen=True):
    """End the running attempt: interrupt, then terminate, then kill; with `hard` kill
    at once."""

    stage: str
    hard: bool = False


class TakeBack(Struct, frozen=True):
    """The attempt that has ended does not count, and another may follow: undo what it
    left in files that no stage above it makes. `written` are these as it left them,
    `read` what it had found in them."""

    stage: str
    written: tuple[ObservedPath, ...]
    read: tuple[ObservedPath, ...]


class WakeLater(Struct, frozen=True):
    """Answer with `RetryDue` after so many seconds."""

    stage: str
    attempt: int
    seconds: float


class Learn(Struct, frozen=True):
    """Remember for later compilations what was seen of the stage."""

    stage: str
    learned: Learned


class Record(Struct, frozen=True):
    """The stage has a result that stands; `reused` if it is an earlier one."""

    stage: str
    result: StageResult
    seconds: float
    reused: bool = False


class Finish(Struct, frozen=True):
    """The run is over. Nothing follows."""

    state: RunState
    exit_code: int


Instruction = Union[  # noqa: UP007 - as above
    Log, Check, CheckLater, Launch, Stop, TakeBack, WakeLater, Learn, Record, Finish
]
