"""Ends what a kernel started when its runner is killed, and can end nothing any more.

The system ends the kernel itself then (see `kernels`), not the processes that user code
started in it. A guard is a shell that reads from a pipe which nobody else writes to or
holds: it wakes up when we are gone. Forked kernels need none, since the process that
forked them does the same.
"""

from __future__ import annotations

import os
import subprocess

__all__ = ["Guard"]

_SCRIPT = 'read _; kill -9 "-$1" 2>/dev/null'


class Guard:
    """Watches over one process group, from `Guard(group)` to `dismiss()`."""

    def __init__(self, group: int) -> None:
        self._shell: subprocess.Popen[bytes] | None = None
        if os.name == "posix":
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "sh", str(group)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )

    def dismiss(self) -> None:
        """The group is gone, and its number may be given to another."""
        if self._shell is not None:
            self._shell.kill()
            self._shell.wait()
            if self._shell.stdin is not None:
                self._shell.stdin.close()
            self._shell = None
