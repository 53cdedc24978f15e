"""What a tick is told of the world: frozen records, no I/O. Times are UTC seconds since
the epoch."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["Alarm", "Outcome", "RunSeen", "Signals"]

Outcome = Literal[
    "green",
    "contract",
    "gate",
    "failed",
    "waiting",
    "cancelled",
    "interrupted",
    "unstarted",
]


class Alarm(Struct, frozen=True):
    """Monitoring says that something is wrong. An alarm with the same `id` is the same
    alarm."""

    kind: Literal["drift", "quality"]
    id: str
    text: str


class RunSeen(Struct, frozen=True):
    """A run as its record describes it. `outcome` is None while it goes on; `problems`
    are sentences."""

    run_id: str
    outcome: Outcome | None = None
    problems: tuple[str, ...] = ()
    seconds: float = 0.0


class Signals(Struct, frozen=True):
    """The world at one moment.

    `data` is the digest of the watched files and of the contracts; `changed` says in
    phrases which of them no successful run has seen as they are, and `touched` when the
    newest of these changed. `has_run` is whether the notebook ever ran. `run` is the
    run that the loop has under way, None if there is no such run yet; `resumed` is the
    run that continues one that waited for a person. `busy` is the id of a run that
    somebody else started and that goes on. `due` is the latest time of the schedule
    that has passed since it was last considered. `champion` and `rejected` are versions
    of the model, `evidence` the digest of what versions are compared on.
    """

    next_run_id: str = ""
    data: str = ""
    changed: tuple[str, ...] = ()
    touched: float = 0.0
    has_run: bool = True
    due: float | None = None
    commit: str = ""
    alarms: tuple[Alarm, ...] = ()
    run: RunSeen | None = None
    resumed: RunSeen | None = None
    busy: str = ""
    champion: int | None = None
    rejected: frozenset[int] = frozenset()
    evidence: str = ""
