"""Whose turn it is at a stage of a shared run: one process at a time runs it.

The lock `stages/STAGE/turn.lock` names the process; one that runs on another host
refreshes its time, so that the death of a host ends its turn (see `processes`). Raises
OSError as the disk does.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jupyter_pipe.events import StageState
from jupyter_pipe.runs.locks import Holder, find_holder, free_lock, take_lock
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.processes import Heart, is_alive

__all__ = ["has_live_stage", "stage_turn"]

_SECONDS_BETWEEN_LOOKS = 0.2


@contextlib.contextmanager
def stage_turn(
    stage_folder: Path, run_id: str, tell_waiting: Callable[[Holder], None]
) -> Iterator[bool]:
    """Wait for the turn at a stage and hold it. Yields whether somebody else had it
    before.

    `tell_waiting` is called once, with the process that has to end first.
    """
    stage_folder.mkdir(parents=True, exist_ok=True)
    lock = stage_folder / "turn.lock"
    waited = False
    while holder := take_lock(
        lock, run_id, is_held=lambda holder: is_alive(holder, lock)
    ):
        if not waited:
            tell_waiting(holder)
        waited = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    heart = Heart(lock)
    try:
        yield waited
    finally:
        heart.stop()
        free_lock(lock)


def has_live_stage(run: Run, run_folder: Path) -> bool:
    """Whether the process of a stage that is said to run still lives, or no stage is
    said to run: between two stages a shared run belongs to nobody."""
    running = [stage.name for stage in run.stages if stage.state is StageState.running]
    locks = [run_folder / "stages" / name / "turn.lock" for name in running]
    holders = [(find_holder(lock), lock) for lock in locks]
    return not running or any(
        holder is not None and is_alive(holder, lock) for holder, lock in holders
    )
