"""Where a loop stands, as a record and as lines for people. Looks, decides nothing,
writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from jupyter_pipe.loop.deciding.records import RunDecided, RunEnded
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.loop.deciding.state import State, fold
from jupyter_pipe.loop.deciding.tick import tick, waits_for
from jupyter_pipe.loop.foreground import find_loop
from jupyter_pipe.loop.schedule import next_due
from jupyter_pipe.loop.stepping import World
from jupyter_pipe.loop.words import (
    ending_words,
    trigger_words,
    waiting_words,
    watched_words,
)
from jupyter_pipe.render.words import day_time

__all__ = ["LoopStatus", "status_lines", "status_of"]


class LoopStatus(Struct, frozen=True):
    """`process` runs the loop, 0 if none does. `next` says what the next step does, or
    why it does nothing yet. `due` is the next time of the schedule, UTC seconds."""

    process: int
    watches: tuple[str, ...]
    under_way: RunDecided | None
    last: RunDecided | None
    ended: RunEnded | None
    champion: int | None
    waiting: tuple[str, ...]
    next: str
    due: float | None


def status_of(settings: LoopSettings, world: World, folder: Path) -> LoopStatus:
    """Raises LoopError for records that cannot be read."""
    state = fold(world.records())
    holder = find_loop(folder)
    now = world.now()
    return LoopStatus(
        process=holder.pid if holder else 0,
        watches=tuple(watched_words(settings)),
        under_way=state.run,
        last=state.last,
        ended=state.ended,
        champion=state.promoted,
        waiting=tuple(waiting_words(settings, state)),
        next=_next_words(settings, world, state, now),
        due=next_due(settings.schedule, settings.timezone, now)
        if settings.schedule
        else None,
    )


def _next_words(settings: LoopSettings, world: World, state: State, now: float) -> str:
    if state.run is not None:
        return "waits for the run to end"
    signals = world.look(settings, state)
    decided = [
        one
        for one in tick(settings, state, signals, now)
        if isinstance(one, RunDecided)
    ]
    if decided:
        return f"a run: {trigger_words(decided[0].triggers)}"
    held = waits_for(settings, state, signals, now)
    return held if held and signals.changed else "nothing to do"


def status_lines(stem: str, settings: LoopSettings, found: LoopStatus) -> Iterator[str]:
    """For a terminal."""
    runs = (
        f"the loop runs, process {found.process}"
        if found.process
        else "the loop does not run"
    )
    yield f"{stem}: {runs}"
    yield f"  watches   {', '.join(found.watches) or 'nothing'}"
    if found.due is not None:
        yield f"  schedule  next on {day_time(found.due)}"
    yield from _last_run(found)
    if settings.promote != "never":
        champion = (
            "none from this loop yet"
            if found.champion is None
            else f"version {found.champion}"
        )
        yield f"  champion  {champion}"
    yield from (f"  waiting   {line}" for line in found.waiting)
    yield f"  next      {found.next}"


def _last_run(found: LoopStatus) -> Iterator[str]:
    if found.last is None:
        yield "  last run  none yet"
        return
    how = (
        "goes on"
        if found.under_way or found.ended is None
        else ending_words(found.ended.outcome)
    )
    yield f"  last run  {found.last.run_id} {how}, {day_time(found.last.time)}"
    yield f"            {trigger_words(found.last.triggers)}"
    if found.ended is not None and not found.under_way:
        yield from (f"            {line}" for line in found.ended.problems)
