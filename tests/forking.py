"""Processes that have imported what the jobs need and fork for each: a job costs no
start and no import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["ForkingProcesses"]

FRAMES = ("numpy", "pandas")
SKLEARN = ("linear_model", "model_selection", "neighbors", "pipeline", "preprocessing")
IMPORTS = (
    (r"sklearn|xgboost|scipy", (*FRAMES, *(f"sklearn.{part}" for part in SKLEARN))),
    (r"matplotlib|seaborn|pylab", (*FRAMES, "matplotlib.pyplot")),
    (r"polars", (*FRAMES, "polars")),
    (r"pandas", FRAMES),
    (r"numpy", ("numpy",)),
    (r"", ()),
)
"""What a process imports before it forks for code in which the pattern is found, the
first that fits. Four fifths of the jobs need nothing, and a process with pandas takes
four times as long to fork."""


class ForkingProcesses:
    """Processes of `program`, one for each row of `IMPORTS` that is needed.

    Each is started with `arguments` and the names of what it imports; it reads a job as
    a line of JSON and answers with a line. `environment` replaces this process's own.
    """

    def __init__(
        self,
        program: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = (sys.executable, str(program), *arguments)
        self._environment = environment
        self._started: dict[tuple[str, ...], subprocess.Popen[str]] = {}

    def ask(self, job: Mapping[str, Any], code: str) -> str:
        """The answer to one job, which runs `code`."""
        imports = next(
            imports for pattern, imports in IMPORTS if re.search(pattern, code)
        )
        process = self._started.get(imports) or self._start(imports)
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

    def _start(self, imports: tuple[str, ...]) -> subprocess.Popen[str]:
        process = self._started[imports] = subprocess.Popen(
            [*self._command, *imports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        return process
