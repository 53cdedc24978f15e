"""What has been decided and not been done, as it follows from the state alone. Pure.

Each action can be carried out twice and is then done once: a loop that was killed in
the middle of one does it again.
"""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from jupyter_pipe.loop.deciding.records import RunDecided
from jupyter_pipe.loop.deciding.state import State

__all__ = ["Action", "Compare", "Notify", "Promote", "Register", "Start", "pending"]


class Start(Struct, frozen=True):
    """Start the run, unless it exists."""

    run: RunDecided


class Register(Struct, frozen=True):
    """Make the run's model a version, unless it is one."""

    run_id: str


class Compare(Struct, frozen=True):
    """Hold the version against the champion."""

    version: int


class Promote(Struct, frozen=True):
    """Make the version champion, in the place of the one that it was compared with.
    `reason` is what the comparison showed."""

    version: int
    champion: int | None
    reason: str = ""


class Notify(Struct, frozen=True):
    """Tell people."""

    key: str
    text: str


Action = Union[Start, Register, Compare, Promote, Notify]  # noqa: UP007 - as its sister, the union of records


def pending(state: State) -> tuple[Action, ...]:
    """In the order in which they are to be done."""
    first = _about_the_candidate(state)
    notices = [Notify(one.key, one.text) for one in state.owed]
    start: list[Action] = [] if state.run is None else [Start(state.run)]
    # The model first: a run may take hours, and notices tell of what was done.
    return (*first, *start, *notices)


def _about_the_candidate(state: State) -> tuple[Action, ...]:
    found = state.candidate
    if found is None:
        return ()
    if found.version is None:
        return (Register(found.run_id),)
    if found.verdict is None:
        return (Compare(found.version),)
    return (
        (Promote(found.version, found.champion, found.reason),)
        if found.promoting
        else ()
    )
