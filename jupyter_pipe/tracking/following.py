"""The process beside a run or a sweep that tells a tracker about it: `main` follows
logs until their end.

It is started by the runner and answers to nobody: its troubles stand in `tracking.log`
of the run or study. A tracker that is away is tried again, with longer and longer
pauses; what it has not heard when patience ends stays in the outbox, and is told with
the next run that is tracked, or by `jupyter pipe track`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.sweeps.studies import study_folder
from jupyter_pipe.tracking.outbox import enlist, tell, waiting
from jupyter_pipe.tracking.told import store_of
from jupyter_pipe.tracking.trackers import Tracker, open_tracker

__all__ = ["end_of_input", "follow", "follow_study", "main", "tell_waiting"]

LOOK_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
PATIENCE_SECONDS = 15 * 60.0
"""How long a tracker that is away is waited for after the run has ended."""


def main() -> int:
    """Follow the run in the folder that the command line names, for the address that it
    names."""
    folder, address = Path(sys.argv[1]), sys.argv[2]
    _step_aside()
    store = store_of(folder)
    try:
        tracker = open_tracker(address, store.root)
    except PipeError as error:
        _write(f"{error.message} {error.hint}")
        return error.exit_code
    if folder.parent.name == "studies":
        is_told = follow_study(
            tracker, address, store, folder.name, end_of_input().is_set
        )
    else:
        # First: if this process is killed, the run is found by whoever tells next.
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
    """Tell a tracker about a run as it goes, until its end was told. False if patience
    ended before."""
    return _keep_telling(
        lambda: tell(tracker, address, store, run_id),
        f"{run_id} to {address}",
        pause,
        clock,
    )


def follow_study(
    tracker: Tracker,
    address: str,
    store: RunStore,
    name: str,
    is_over: Callable[[], bool],
    *,
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """The same of each trial of a study, until `is_over` says that no more will
    begin."""
    done: set[str] = set()

    def tell_all() -> bool:
        # Asked first: a trial that begins meanwhile is then found below.
        over = is_over()
        runs = _runs_of(store, name)
        for run_id in runs:
            if run_id in done:
                continue
            enlist(store.folder(run_id), address)
            if tell(tracker, address, store, run_id, sweep="goes_on"):
                done.add(run_id)
        is_told = over and done.issuperset(runs)
        if is_told and runs:
            # The run was told when it ended, and only then did the study learn what
            # came of it. One that was cut off short of its trials has ended, too.
            tell(tracker, address, store, runs[-1], again=True, sweep="over")
        return is_told

    return _keep_telling(tell_all, f"the study {name} to {address}", pause, clock)


def _runs_of(store: RunStore, study: str) -> list[str]:
    """The runs of trials. A trial is noted a moment before its run begins."""
    return [
        run_id
        for run_id in study_folder(store, study).runs()
        if store.folder(run_id).summary.is_file()
    ]


def end_of_input() -> threading.Event:
    """Is set when standard input has ended: the process at its other end is done, or
    was killed."""
    ended = threading.Event()

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended


def _keep_telling(
    tell_news: Callable[[], bool],
    what: str,
    pause: Callable[[float], object],
    clock: Callable[[], float],
) -> bool:
    """Call `tell_news` until it says that this was all, less and less often while it
    fails. False if patience ended before."""
    failures = 0
    heard = clock()
    while True:
        try:
            if tell_news():
                return True
            failures, heard = 0, clock()
        except (
            Exception
        ) as error:  # Whatever a tracker raises is not the run's trouble.
            failures += 1
            _write(f"could not tell {what}: {type(error).__name__}: {error}")
            if clock() - heard > PATIENCE_SECONDS:
                return False
        pause(
            min(LOOK_SECONDS * 2**failures, LONGEST_PAUSE_SECONDS)
            if failures
            else LOOK_SECONDS
        )


def tell_waiting(tracker: Tracker, address: str, store: RunStore) -> list[str]:
    """Tell what earlier runs left in the outbox of this tracker. Returns the runs that
    were told."""
    told = []
    for run_id, to in waiting(store):
        if to != address:
            continue
        try:
            if tell(tracker, address, store, run_id):
                told.append(run_id)
        except Exception as error:
            _write(
                f"{run_id} could not be told to {address}: {type(error).__name__}: {error}"
            )
            break  # It is away: the others wait as well.
    return told


def _write(line: str) -> None:
    """Into the run's `tracking.log`."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _step_aside() -> None:
    """The stages of the run come first."""
    if hasattr(os, "nice"):
        # Halfway to the lowest priority there is.
        os.nice(10)
