"""Ends what the stages of a run have started, whatever session or group it made for
itself.

Kernels carry a variable that no other run has, and all that they start inherits it:
programs, daemons, forks of forks. It is found by that in `/proc`, at the end of the
run, or when the runner is killed. What a stage leaves running lives as long as the run,
since a later stage may talk to it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["MARK", "RunMark"]

MARK = "JUPYTER_PIPE_MARK"

_PROC = Path("/proc")
# What is found may start something in the moment before it is killed.
_ROUNDS = 10
# Waits for the end of the runner, at whatever moment and however that comes.
_SCRIPT = """read _
for round in 1 2 3; do
  for found in $(grep -ls "$1" /proc/[0-9]*/environ 2>/dev/null); do
    found="${found%/environ}"
    kill -9 "${found#/proc/}" 2>/dev/null
  done
done"""


class RunMark:
    """The mark of one run: `variables` are for the environment of its kernels."""

    def __init__(self) -> None:
        self._text = f"{MARK}={os.urandom(16).hex()}"
        self._guard: subprocess.Popen[bytes] | None = None
        if _PROC.joinpath("self", "environ").exists():
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "sh", self._text],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )

    @property
    def variables(self) -> dict[str, str]:
        """The environment of every kernel of the run has these."""
        name, _, value = self._text.partition("=")
        return {name: value}

    def end(self) -> None:
        """Kill everything that carries the mark."""
        for _ in range(_ROUNDS):
            found = list(_carriers(self._text.encode()))
            if not found:
                break
            for pid in found:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        self._dismiss()

    def _dismiss(self) -> None:
        if self._guard is None:
            return
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard = None


def _carriers(text: bytes) -> Iterator[int]:
    """The processes whose environment, as they were started with it, has the
    variable."""
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            if text in entry.joinpath("environ").read_bytes().split(b"\0"):
                yield int(entry.name)
