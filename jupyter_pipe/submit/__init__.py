"""A pipeline handed to another engine, and what becomes of it there, as a run like any
other.

`submission.submit` compiles, lays out the run and has the engine start it;
`following.follow` asks the engine time and again and writes what only it knows into the
run's log. The stages' own logs tell the rest: each is run by `run-stage`, in a root
that the engine's workers and this machine share.

An engine is a class with the three methods of `Engine`, one module each. Takes no
credentials: they are read from the environment. Engines that do not answer raise
`SilentError`, which ends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from jupyter_pipe.errors import PipeError
from jupyter_pipe.export import Plan

__all__ = [
    "Engine",
    "Order",
    "Sighting",
    "SilentError",
    "StageSeen",
    "Started",
    "State",
    "SubmitError",
]

State = Literal["waiting", "running", "succeeded", "failed", "cancelled"]


class SubmitError(PipeError):
    """The pipeline cannot be handed over as it is."""


class SilentError(Exception):
    """The engine does not answer, or not now. Its text says why."""


class Order(Struct, frozen=True):
    """What to start. `values` are the parameters as environment variables, `folder` is
    the run's, which the workers see as well."""

    run_id: str
    plan: Plan
    values: Mapping[str, str]
    folder: Path


class Started(Struct, frozen=True):
    """What the engine calls the run: `handle` is the engine's own, such as a job's
    number for each stage; `page` is the address at which people see it."""

    handle: dict[str, str] = {}
    page: str = ""


class StageSeen(Struct, frozen=True):
    """A stage in the engine. `note` is its own word for the state, with the reason:
    `PENDING (Resources)`."""

    state: State
    note: str = ""


class Sighting(Struct, frozen=True):
    """What the engine says of a run: as a whole, and of the stages that it knows by
    now."""

    state: State
    stages: Mapping[str, StageSeen] = {}
    note: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen any more, unless somebody starts it again."""
        return self.state not in {"waiting", "running"}


class Engine(Protocol):
    """What an engine can be asked. All but `require_settings` raise SilentError if it
    does not answer, and SubmitError if it refuses."""

    def require_settings(self) -> None:
        """Raise SubmitError for what a start needs and this machine does not have; asks
        nobody."""

    def start(self, order: Order) -> Started:
        """Have the engine run the stages."""

    def look(self, handle: Mapping[str, str]) -> Sighting:
        """How the run stands."""

    def cancel(self, handle: Mapping[str, str]) -> None:
        """Have it end the run; the next sightings tell."""
