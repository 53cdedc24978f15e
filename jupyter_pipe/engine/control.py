"""Runs seen from other processes: end one that goes on."""

from __future__ import annotations

import contextlib
import os
import signal

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import RunError
from jupyter_pipe.runs.processes import is_alive, is_here
from jupyter_pipe.runs.store import RunStore

__all__ = ["request_cancel"]


def request_cancel(store: RunStore, run_id: str, *, by: str = "user") -> bool:
    """Ask the run's runner to cancel it, and return at once; the run then ends as
    `cancelled`.

    False if the run has ended already: there is nothing to do. One whose runner died is
    marked interrupted. Raises RunError if there is no such run, or if its folder cannot
    be written.
    """
    run = store.read(run_id)
    if run.is_final:
        store.reconcile()
        return False
    folder = store.folder(run_id)
    store.require_no_links(folder.path)
    try:
        replace_file(folder.cancel, f"{by}\n".encode())
    except OSError as error:
        raise RunError(
            f"Cannot write to {folder.path}: {error.strerror}.", code="root_unwritable"
        ) from error
    runner = run.facts.runner
    # The file alone is seen within a second; a signal is seen at once.
    if run.facts.accepts_signals and runner is not None and is_here(runner):
        with contextlib.suppress(OSError):
            if is_alive(runner, folder.summary):
                os.kill(runner.pid, signal.SIGTERM)
    return True
