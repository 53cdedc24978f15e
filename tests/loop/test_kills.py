"""SIGKILL at every step of a tick, and at random ones: no run twice, none forgotten, no
promotion without its comparison."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from jupyter_pipe.loop import Loop, LoopSettings
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.signals import Outcome
from tests.loop.worlds import Killed, RecordedWorld

SETTINGS = LoopSettings(
    files=("*.csv",), cooldown_seconds=0, settle_seconds=0, promote="auto", model="m"
)
WEEKS = ["week 1", "week 2, in miles", "week 2", "week 3", "week 4"]


def outcome_of(data: str) -> Outcome:
    return "contract" if "miles" in data else "green"


def verdict_of(version: int) -> rc.Verdict:
    return "worse" if version == 3 else "better"


def live(world: RecordedWorld, strike: Callable[[RecordedWorld], None]) -> None:
    """Five weeks, in each of which the loop does all that there is to do; whenever it
    is killed, it starts again. `strike` is asked before each week."""
    loop = None
    for week in WEEKS:
        world.data = week
        strike(world)
        idle = 0
        while idle < 2:
            try:
                loop = loop or Loop(world, SETTINGS)
                idle = 0 if loop.step() else idle + 1
            except Killed:
                loop, idle = None, 0
            if idle:
                world.end_runs()


def check(world: RecordedWorld) -> None:
    """What holds whenever and however often the loop was killed."""
    assert [data for data, _ in world.runs.values()] == WEEKS
    assert [outcome for _, outcome in world.runs.values()] == [
        outcome_of(week) for week in WEEKS
    ]
    assert world.versions == {"run-0": 1, "run-2": 2, "run-3": 3, "run-4": 4}
    assert world.promoted == [(1, None), (2, 1), (4, 2)]
    assert set(world.promoted) <= set(world.compared)
    told = [record for record in world.records() if isinstance(record, rc.Notified)]
    assert len(told) == len({one.key for one in told}) == 5
    keys = [one.key for one in world.records() if isinstance(one, rc.RunDecided)]
    assert len(keys) == len(set(keys))


def points_of_a_life() -> int:
    world = RecordedWorld(outcome_of=outcome_of, better=verdict_of)
    live(world, lambda world: None)
    check(world)
    assert len(world.notices) == 5
    return world.points


def test_a_kill_at_every_step() -> None:
    for fuse in range(points_of_a_life()):
        world = RecordedWorld(outcome_of=outcome_of, better=verdict_of, fuse=fuse)
        live(world, lambda world: None)
        check(world)
        # A notice whose sending was cut off may come twice: better than never.
        assert len(world.notices) <= 6


@pytest.mark.parametrize("seed", range(300))
def test_kills_at_random(seed: int) -> None:
    chance = random.Random(seed)

    def strike(world: RecordedWorld) -> None:
        world.fuse = chance.randrange(30)

    world = RecordedWorld(outcome_of=outcome_of, better=verdict_of)
    live(world, strike)
    check(world)


def test_a_machine_that_goes_down_with_its_run() -> None:
    world = RecordedWorld()
    loop = Loop(world, SETTINGS)
    while not world.runs:
        loop.step()
    world.interrupt_runs()
    again = Loop(world, SETTINGS)
    for _ in range(4):
        again.step()
    world.end_runs()
    while again.step():
        pass
    assert [outcome for _, outcome in world.runs.values()] == ["interrupted", "green"]
    assert world.champion == 1


def test_a_loop_without_comparison_is_found() -> None:
    """The checks above can fail: this world promotes what it did not compare."""

    class Careless(RecordedWorld):
        def compare(self, version: int, settings: LoopSettings) -> rc.Compared:
            return rc.Compared(
                version=version, champion=self.champion, verdict="better", reason=""
            )

    world = Careless(outcome_of=outcome_of, better=verdict_of)
    live(world, lambda world: None)
    with pytest.raises(AssertionError):
        check(world)
