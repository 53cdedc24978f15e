"""Processes that have imported what the jobs need and fork for each: a job costs no start and no import."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["ForkingProcesses"]


class ForkingProcesses:
    """One process of `program` for jobs that use scikit-learn, and one, quicker to fork, for the others.

    Each is started when it is first needed, with the names of what it imports as its arguments; it reads
    a job as a line of JSON and answers with a line. `environment` replaces this process's own.
    """

    def __init__(
        self,
        program: Path,
        libraries: Sequence[str],
        sklearn: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._program = program
        self._imports = {False: tuple(libraries), True: (*libraries, *sklearn)}
        self._environment = environment
        self._started: dict[bool, subprocess.Popen[str]] = {}

    def ask(self, job: Mapping[str, Any], *, sklearn: bool) -> str:
        """The answer to one job."""
        process = self._started.get(sklearn) or self._start(sklearn=sklearn)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        return process.stdout.readline()

    def close(self) -> None:
        """Ends the processes; the next job starts others."""
        for process in self._started.values():
            process.communicate()
        self._started.clear()

    def _start(self, *, sklearn: bool) -> subprocess.Popen[str]:
        process = self._started[sklearn] = subprocess.Popen(
            [sys.executable, str(self._program), *self._imports[sklearn]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        return process
