"""How far each stage of a run has come, as the machine sees it."""

from __future__ import annotations

import enum

from msgspec import Struct

from jupyter_pipe import events as ev
from jupyter_pipe.runs.model import Failure

__all__ = ["GOOD", "NOT_STARTED", "UNDER_WAY", "Phase", "Progress"]


class Phase(enum.Enum):
    """Where a stage is on its way; `ended` stages have a final state."""

    waiting = "waiting"
    checking = "checking"
    ready = "ready"
    running = "running"
    stopping = "stopping"
    resting = "resting"
    ended = "ended"


UNDER_WAY = (Phase.running, Phase.stopping)
NOT_STARTED = (Phase.waiting, Phase.checking, Phase.ready)
GOOD = frozenset({ev.StageState.succeeded, ev.StageState.cached})


class Progress(Struct):
    """One stage's way so far. `used` is what it was (or will be) given: name -> stage.

    `failures` counts those since it was last queued, `again` says why it must start anew once it
    has stopped, `waits_because` why it is not decided yet whether it runs.
    """

    phase: Phase = Phase.waiting
    state: ev.StageState = ev.StageState.queued
    turn: int = 0
    attempt: int = 0
    failures: int = 0
    failure: Failure | None = None
    seconds: float = 0.0
    again: str = ""
    waits_because: str = ""
    used: dict[str, str] = {}
