"""`loop once`: steps until there is nothing left to do, and uses the time while a run goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jupyter_pipe.loop import Loop, LoopSettings
from jupyter_pipe.loop.foreground import run_once
from tests.loop.worlds import RecordedWorld

SETTINGS = LoopSettings(files=("*.csv",), cooldown_seconds=0, settle_seconds=0, model="m")


@dataclass
class Preparing(RecordedWorld):
    """Its run ends while the second of three things is prepared."""

    prepared: list[str] = field(default_factory=list)

    def preparations(self, settings: LoopSettings) -> Sequence[Callable[[], object]]:
        return (lambda: self.prepared.append("first"), self._second, lambda: self.prepared.append("third"))

    def _second(self) -> None:
        self.prepared.append("second")
        self.end_runs()


def test_it_prepares_while_a_run_goes_on_and_no_longer() -> None:
    world = Preparing()
    ended = run_once(Loop(world, SETTINGS), threading.Event())
    assert ended is not None
    assert ended.outcome == "green"
    assert world.prepared == ["first", "second"]


def test_where_nothing_runs_nothing_is_prepared() -> None:
    world = Preparing(seen="week 1")
    assert run_once(Loop(world, SETTINGS), threading.Event()) is None
    assert world.prepared == []
