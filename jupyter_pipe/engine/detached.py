"""Starts a run in a process and session of its own, and waits until the run exists.

The process is one of our modules that reads its order from standard input. Signals to
whoever started it do not reach it, and it outlives them.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.errors import RunError

if TYPE_CHECKING:
    from jupyter_pipe.events import Event

__all__ = ["log_to", "start_detached"]

_SECONDS_TO_WAIT = 60.0
_SECONDS_BETWEEN_LOOKS = 0.05


def start_detached(
    module: str, order: bytes, begun: Path, folder: Path
) -> bytes | None:
    """Start `module` in `folder`; returns when it has written to the file `begun`, such
    as the run's log: None. If the process ended before that, returns what it said.
    Raises RunError if it takes too long."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            own_module(module),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            # A session of its own: signals to the starter's group do not reach it.
            start_new_session=True,
        )
        _send(process, order)
        if _wait(process, begun):
            return None
        output.seek(0)
        return output.read()


def log_to(log: Path) -> Callable[[Event], None]:
    """For the process that was started: an observer that sends its output to the run's
    log as soon as there is a run. Whoever started it need not live on."""
    moved = False

    def observe(event: Event) -> None:
        nonlocal moved
        if moved:
            return
        moved = True
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (1, 2):
            os.dup2(descriptor, stream)

    return observe


def _send(process: subprocess.Popen[bytes], order: bytes) -> None:
    if process.stdin is not None:
        with process.stdin as stdin:
            stdin.write(order)


def _wait(process: subprocess.Popen[bytes], begun: Path) -> bool:
    """Whether the run began before its process ended."""
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while not _has_begun(begun):
        if process.poll() is not None and not _has_begun(begun):
            return False
        if time.monotonic() > deadline:
            process.kill()
            raise RunError(
                "The runner did not start its run in time.", code="runner_slow"
            )
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return True


def _has_begun(begun: Path) -> bool:
    """Whether there is anything in the file: before its first event nobody can read a
    run."""
    try:
        return begun.stat().st_size > 0
    except OSError:
        return False
