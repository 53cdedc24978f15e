"""Looks at processes, for tests that none may be left."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil


def children(pid: int | None = None) -> list[str]:
    """The command lines of the living descendants of a process."""
    found = (_command(process) for process in psutil.Process(pid).children(recursive=True))
    return [command for command in found if command]


def _command(process: psutil.Process) -> str:
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def wait_until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
