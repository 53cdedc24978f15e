"""Whether the system ended a process because memory ran out, as far as the system
tells."""

from __future__ import annotations

from pathlib import Path

__all__ = ["MemoryWatch"]

# Counters of the whole system and of the process's own control group (version 2).
_COUNTERS = (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events"))


class MemoryWatch:
    """Remembers how often it had happened; a kernel that then dies of signal 9 has a
    cause."""

    def __init__(self) -> None:
        self._before = _kills()

    def ran_out(self) -> bool:
        """Whether it has happened since."""
        return _kills() > self._before


def _kills() -> int:
    return sum(_count(path) for path in _COUNTERS)


def _count(path: Path) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    counts = (line.split() for line in lines if line.startswith("oom_kill "))
    return sum(int(count[1]) for count in counts if len(count) == 2)
