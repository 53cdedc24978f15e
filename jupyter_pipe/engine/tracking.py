"""Starts the process that tells a tracker about a run. The run neither waits for it nor hears of its trouble.

`tracking` is above the engine, so its module is named and not imported.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

__all__ = ["start_tracker", "track_setting"]

FOLLOWER = "jupyter_pipe.tracking.following"


def track_setting(notebook: Path) -> str:
    """What the notebook's metadata say under `jupyter_pipe.track`: an address, `default` for `true`, empty
    for nothing."""
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


def start_tracker(run_folder: Path, address: str) -> None:
    """Start it, in a session of its own: it may have more to do when the run has ended."""
    import subprocess

    # A tracker that cannot be started is told by `jupyter pipe track`, later.
    with contextlib.suppress(OSError), (run_folder / "tracking.log").open("ab") as log:
        subprocess.Popen(
            own_module(FOLLOWER, str(run_folder), address),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "JUPYTER_PIPE_TRACKER": "1"},
        )
