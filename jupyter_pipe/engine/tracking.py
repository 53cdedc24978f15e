"""Starts the process that tells a tracker about a run. The run neither waits for it nor
hears of its trouble.

`tracking` is above the engine, so its module is named and not imported.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.engine.targets import RunRequest
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

if TYPE_CHECKING:
    import subprocess

__all__ = ["address_for", "start_tracker", "track_setting", "tracked_study"]

FOLLOWER = "jupyter_pipe.tracking.following"


def track_setting(notebook: Path) -> str:
    """What the notebook's metadata say under `jupyter_pipe.track`: an address,
    `default` for `true`, empty for nothing."""
    try:
        data = read_regular_file(notebook)
        # Nearly no notebook has it, and reading a large one takes its time.
        if b'"track"' not in data:
            return ""
        import json

        found = json.loads(data)["metadata"]["jupyter_pipe"]["track"]
    except (*UNREADABLE, KeyError, TypeError):
        return ""
    if found is True:
        return "default"
    return found if isinstance(found, str) else ""


def address_for(request: RunRequest) -> str:
    """Which tracker hears of a run: the one it was asked to tell, else the notebook's;
    empty for none."""
    # One process tells of all trials of a sweep: importing MLflow takes longer than
    # many a trial.
    if request.trigger == "sweep":
        return ""
    return request.options.track or track_setting(request.target.notebook)


def start_tracker(run_folder: Path, address: str) -> None:
    """Start the process for a run, if there is an address. It goes on when the run has
    ended, for what it has not told by then."""
    if address:
        _start(run_folder, address)


@contextlib.contextmanager
def tracked_study(study_folder: Path, address: str) -> Iterator[None]:
    """Within, a process tells of each trial of the study, if there is an address."""
    process = _start(study_folder, address, waits=True) if address else None
    try:
        yield
    finally:
        # That nobody writes to it any more says that the sweep is over, also if it was
        # killed.
        if process is not None and process.stdin is not None:
            process.stdin.close()


def _start(
    folder: Path, address: str, *, waits: bool = False
) -> subprocess.Popen[bytes] | None:
    """In a session of its own, so that Ctrl-C ends the run and not what is told of it.
    The end of its input says to one that `waits` that there will be nothing more."""
    import subprocess

    # A tracker that cannot be started is told by `jupyter pipe track`, later.
    with contextlib.suppress(OSError), (folder / "tracking.log").open("ab") as log:
        return subprocess.Popen(
            own_module(FOLLOWER, str(folder), address),
            stdin=subprocess.PIPE if waits else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "JUPYTER_PIPE_TRACKER": "1"},
        )
    return None
