"""The process beside a run that tells a tracker about it: `main` follows the run's log until its end.

It is started by the runner and answers to nobody: its troubles stand in the run's `tracking.log`. A tracker
that is away is tried again, with longer and longer pauses; what it has not heard when patience ends stays in
the outbox, and is told with the next run that is tracked, or by `jupyter pipe track`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.tracking.outbox import enlist, tell, waiting
from jupyter_pipe.tracking.told import store_of
from jupyter_pipe.tracking.trackers import Tracker, open_tracker

__all__ = ["follow", "main", "tell_waiting"]

LOOK_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
PATIENCE_SECONDS = 15 * 60.0
"""How long a tracker that is away is waited for after the run has ended."""


def main() -> int:
    """Follow the run in the folder that the command line names, for the address that it names."""
    folder, address = Path(sys.argv[1]), sys.argv[2]
    _step_aside()
    store = store_of(folder)
    try:
        tracker = open_tracker(address, store.root)
    except PipeError as error:
        _write(f"{error.message} {error.hint}")
        return error.exit_code
    enlist(store.folder(folder.name), address)
    is_told = follow(tracker, address, store, folder.name)
    if is_told:
        tell_waiting(tracker, address, store)
    return 0 if is_told else 1


def follow(
    tracker: Tracker,
    address: str,
    store: RunStore,
    run_id: str,
    *,
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Tell a tracker about a run as it goes, until its end was told. False if patience ended before."""
    failures = 0
    heard = clock()
    while True:
        try:
            if tell(tracker, address, store, run_id):
                return True
            failures, heard = 0, clock()
        except Exception as error:  # Whatever a tracker raises is not the run's trouble.
            failures += 1
            _write(f"{run_id} could not be told to {address}: {type(error).__name__}: {error}")
            if clock() - heard > PATIENCE_SECONDS:
                return False
        pause(min(LOOK_SECONDS * 2**failures, LONGEST_PAUSE_SECONDS) if failures else LOOK_SECONDS)


def tell_waiting(tracker: Tracker, address: str, store: RunStore) -> list[str]:
    """Tell what earlier runs left in the outbox of this tracker. Returns the runs that were told."""
    told = []
    for run_id, to in waiting(store):
        if to != address:
            continue
        try:
            if tell(tracker, address, store, run_id):
                told.append(run_id)
        except Exception as error:
            _write(f"{run_id} could not be told to {address}: {type(error).__name__}: {error}")
            break  # It is away: the others wait as well.
    return told


def _write(line: str) -> None:
    """Into the run's `tracking.log`."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _step_aside() -> None:
    """The stages of the run come first."""
    if hasattr(os, "nice"):
        os.nice(10)
