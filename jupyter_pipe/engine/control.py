"""Runs seen from other processes: start one that outlives its starter, end one that goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from jupyter_pipe.errors import RunError
from jupyter_pipe.runs.processes import is_alive, this_process
from jupyter_pipe.runs.store import RunStore

__all__ = ["request_cancel", "start_detached"]


def start_detached(
    arguments: Sequence[str],
    *,
    log: Path,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `jupyter-pipe ARGUMENTS` in a session of its own; what it prints goes to `log`.

    It survives the end of the caller and of the caller's terminal. Raises RunError.
    """
    command = [sys.executable, "-m", "jupyter_pipe.cli.main", *arguments]
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment) if environment is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        raise RunError(f"Cannot start a runner: {error.strerror}.", code="runner_not_started") from error


def request_cancel(store: RunStore, run_id: str, *, by: str = "user") -> None:
    """Ask the run's runner to cancel it, and return at once; the run then ends as `cancelled`.

    Raises RunError if the run has ended. A run whose runner died is marked interrupted.
    """
    run = store.read(run_id)
    if run.is_final:
        store.reconcile()
        raise RunError(f"Run {run_id} has ended: {run.state.value}.", code="run_ended")
    folder = store.folder(run_id)
    try:
        folder.cancel.write_text(f"{by}\n", encoding="utf-8")
    except OSError as error:
        raise RunError(f"Cannot write to {folder.path}: {error.strerror}.", code="root_unwritable") from error
    runner = run.facts.runner
    # The file alone is seen within a second; a signal is seen at once.
    if run.facts.accepts_signals and runner is not None and runner.host == this_process().host:
        with contextlib.suppress(OSError):
            if is_alive(runner):
                os.kill(runner.pid, signal.SIGTERM)
