"""Runs: what happened, kept on disk and read back. `fold` is pure; `RunStore` does the
I/O."""

from __future__ import annotations

from jupyter_pipe.runs.fold import RunFold, fold
from jupyter_pipe.runs.model import (
    Failure,
    ParameterValue,
    Process,
    Run,
    RunFacts,
    RunOptions,
    StageRun,
)
from jupyter_pipe.runs.store import STATE_FOLDER, RunFolder, RunStore

__all__ = [
    "STATE_FOLDER",
    "Failure",
    "ParameterValue",
    "Process",
    "Run",
    "RunFacts",
    "RunFold",
    "RunFolder",
    "RunOptions",
    "RunStore",
    "StageRun",
    "fold",
]
