"""Asks whether an earlier result serves, and keeps new ones: the runner's view of the
cache."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from msgspec import Struct

from jupyter_pipe.cache.plan import Computed
from jupyter_pipe.engine.scheduling.messages import Reuse
from jupyter_pipe.engine.scheduling.stage_inputs import Given
from jupyter_pipe.model import Pipeline

__all__ = ["Checked", "ResultSource"]


class Checked(Struct, frozen=True):
    """`reason` says why the result serves, or why the stage runs; `executed` is the
    executed notebook that goes with a result. With `waits`, another run is computing
    it: ask again. `remake` are stages that must write their files again first."""

    reason: str
    reuse: Reuse | None = None
    executed: Path | None = None
    waits: bool = False
    remake: tuple[str, ...] = ()


class ResultSource(Protocol):
    """Where earlier results come from. Called from the runner's thread only."""

    def check(
        self, pipeline: Pipeline, stage: str, given: Given, *, remade: bool = False
    ) -> Checked:
        """Asked when everything that the stage receives is known. Without a result to
        reuse, other runs wait for this one's, until `record` or `give_up`. With
        `remade` no result serves."""

    def record(
        self,
        pipeline: Pipeline,
        stage: str,
        computed: Computed,
    ) -> None:
        """The stage has run, and its result stands."""

    def give_up(self, stage: str) -> None:
        """The stage will leave no result, or must be asked about anew."""

    def close(self) -> None:
        """The run is over."""

    def durations(self) -> dict[str, float]:
        """How long stages took before, where that is known."""
