"""Looks at processes, for tests that none may be left."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

# Pools of workers that other tests in this process have left to be used again.
_others: set[int] = set()


def forget_others() -> None:
    """What is there now is not a business of the test that begins."""
    _others.clear()
    _others.update(process.pid for process in psutil.Process().children(recursive=True))


def children(pid: int | None = None) -> list[str]:
    """The command lines of the living descendants of a process, but those that were
    there before the test."""
    descendants = psutil.Process(pid).children(recursive=True)
    found = (_command(process) for process in descendants if process.pid not in _others)
    return [command for command in found if command]


def _command(process: psutil.Process) -> str:
    try:
        return (
            ""
            if process.status() == psutil.STATUS_ZOMBIE
            else " ".join(process.cmdline())
        )
    except psutil.NoSuchProcess:
        return ""


def wait_until(holds: Callable[[], object], seconds: float = 180.0) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
