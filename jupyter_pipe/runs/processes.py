"""Tells whether a process that left its mark on disk still lives.

One of this place is asked for by pid and start: a pid alone proves nothing, since the
system reuses it. One of another place (host, container) cannot be asked. What it holds
is a lease: it refreshes the time of a file, its *beat*, every second, and counts as
dead when it has not done so for `LEASE_SECONDS`.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from pathlib import Path

from jupyter_pipe.runs.model import Process

__all__ = [
    "BEAT_SECONDS",
    "LEASE_SECONDS",
    "Heart",
    "is_alive",
    "is_beating",
    "is_here",
    "this_process",
]

# Often, since a file's time is all that other hosts see.
BEAT_SECONDS = 1.0
# Caches of network file systems may show a time that is a minute old.
LEASE_SECONDS = 90.0


def this_process() -> Process:
    """The calling process."""
    pid = os.getpid()
    return Process(
        pid=pid, start=_start(pid) or "", host=platform.node(), space=_pid_space()
    )


def is_here(process: Process) -> bool:
    """Whether this process can see the other one: the same host, and the same pids."""
    return process.host == platform.node() and process.space in {"", _pid_space()}


def is_alive(process: Process, beat: Path) -> bool:
    """Whether the process still runs. `beat` is the file that it refreshes; one of this
    place that is stopped or suspended lives on without."""
    if is_here(process):
        return _start(process.pid) == process.start
    return is_beating(beat)


class Heart:
    """Refreshes the time of a file from a thread of its own, so that long work never
    looks like death.

    A file that is gone or cannot be touched is left alone: whoever writes it reports
    the trouble.
    """

    def __init__(self, beat: Path) -> None:
        self._beat = beat
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="heart", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                os.utime(self._beat)
            except OSError:
                continue


def is_beating(beat: Path) -> bool:
    """Whether somebody refreshed the file within the last `LEASE_SECONDS`."""
    try:
        touched = beat.stat().st_mtime
    except OSError:
        return False
    # The clock of this host may differ from that of the file system: it is asked before
    # a death is told.
    is_fresh = abs(time.time() - touched) <= LEASE_SECONDS
    return is_fresh or abs(_time_of_file_system(beat.parent) - touched) <= LEASE_SECONDS


def _time_of_file_system(folder: Path) -> float:
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            return os.fstat(probe.fileno()).st_mtime
    except OSError:
        return time.time()  # a store that is only ours to read


def _pid_space() -> str:
    try:
        # `pid:[4026531836]`: containers have numbers of their own.
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _start(pid: int) -> str | None:
    """When the process started, in the system's own count; None if there is none or it
    is dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _start_elsewhere(pid)
    except OSError:
        return None
    # The second field is the program's name in parentheses, which may itself hold both
    # kinds.
    fields = stat.rpartition(")")[2].split()
    is_zombie = fields[0] in "ZX"
    return None if is_zombie else f"{_boot()}:{fields[19]}"


def _boot() -> str:
    """Start times count from the boot, so the boot is part of them."""
    try:
        return (
            Path("/proc/sys/kernel/random/boot_id")
            .read_text(encoding="ascii")
            .strip()[:8]
        )
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
