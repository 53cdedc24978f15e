"""How far each stage of a run has come, as the machine sees it."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from msgspec import Struct

from jupyter_pipe import events as ev
from jupyter_pipe.engine.scheduling.messages import StageBroke
from jupyter_pipe.runs.model import Failure

__all__ = ["GOOD", "NOT_STARTED", "UNDER_WAY", "Phase", "Progress"]


class Phase(enum.Enum):
    """Where a stage is on its way; `ended` stages have a final state. A stage is
    `doubted` that broke while one above it in the notebook still runs, which may be
    about to write what it looked for."""

    waiting = "waiting"
    checking = "checking"
    ready = "ready"
    running = "running"
    stopping = "stopping"
    resting = "resting"
    doubted = "doubted"
    ended = "ended"


UNDER_WAY = (Phase.running, Phase.stopping)
NOT_STARTED = (Phase.waiting, Phase.checking, Phase.ready)
GOOD = frozenset({ev.StageState.succeeded, ev.StageState.cached})


class Progress(Struct):
    """One stage's way so far. `used` is what it was (or will be) given: name -> stage.
    `launched` is the moment when it was launched, or its earlier result was found to
    serve.

    `failures` counts those since it was last queued, `again` says why it must start
    anew once it has stopped, `waits_because` why it is not decided yet whether it runs,
    `remade` that it must write its files again whatever is known, `newcomers` what a
    result that is reused relies on (`messages.Reuse`), `broke` how it did, while that
    is in doubt.
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
    launched: int = 0
    reused: bool = False
    remade: bool = False
    newcomers: Mapping[str, str] = {}
    broke: StageBroke | None = None
