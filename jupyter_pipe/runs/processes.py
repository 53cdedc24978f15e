"""Tells whether a process that left its mark on disk is still the same living process.

A pid alone proves nothing, since the system reuses it; with the start of the process it does.
Never guesses from a file's age.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

from jupyter_pipe.runs.model import Process

__all__ = ["is_alive", "this_process"]


def this_process() -> Process:
    """The calling process."""
    pid = os.getpid()
    return Process(pid=pid, start=_start(pid) or "", host=platform.node())


def is_alive(process: Process) -> bool:
    """Whether the process still runs. One of another host cannot be asked and counts as alive."""
    if process.host != platform.node():
        return True
    return _start(process.pid) == process.start


def _start(pid: int) -> str | None:
    """When the process started, in the system's own count; None if there is none or it is dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _start_elsewhere(pid)
    except OSError:
        return None
    # The second field is the program's name in parentheses, which may itself hold both kinds.
    fields = stat.rpartition(")")[2].split()
    is_zombie = fields[0] in "ZX"
    return None if is_zombie else f"{_boot()}:{fields[19]}"


def _boot() -> str:
    """Start times count from the boot, so the boot is part of them."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return ""


def _start_elsewhere(pid: int) -> str | None:
    """Systems without /proc."""
    import psutil

    try:
        process = psutil.Process(pid)
        dead = process.status() == psutil.STATUS_ZOMBIE
        return None if dead else str(process.create_time())
    except psutil.NoSuchProcess:
        return None
