"""Which run a command is about when its values are to be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.errors import RunError
from jupyter_pipe.events import RunState

if TYPE_CHECKING:
    from jupyter_pipe.runs.model import Run
    from jupyter_pipe.runs.store import RunStore

__all__ = ["choose_own_run"]


def choose_own_run(store: RunStore, pipeline: str, run_id: str | None) -> Run | None:
    """The run with that id or beginning of one; without, the newest of the pipeline
    that succeeded, if any.

    Its values are loaded and written into files, so it must be the user's own, and hold
    no secret. Raises RunError for an id that is unknown, and for a run that is somebody
    else's or let a secret cross.
    """
    if run_id is not None:
        found = store.find(run_id)
        store.require_own(found)
        return _without_secrets(store.read(found))
    # The newest first.
    for each in store.list():
        if (
            each.state is RunState.succeeded
            and each.pipeline == pipeline
            and store.is_own(each.run_id)
        ):
            return _without_secrets(each)
    return None


def _without_secrets(run: Run) -> Run:
    if any(warning.code == "secret_stored" for warning in run.warnings):
        raise RunError(
            f"Run {run.run_id} let a secret cross (--allow-secret-values), and its values may hold it.",
            code="run_secret",
            hint="Name a run without it: what is written here is kept beside the notebook.",
        )
    return run
