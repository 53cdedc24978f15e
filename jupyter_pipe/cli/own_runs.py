"""Which run a command is about when its values are to be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.events import RunState

if TYPE_CHECKING:
    from jupyter_pipe.runs.model import Run
    from jupyter_pipe.runs.store import RunStore

__all__ = ["choose_own_run"]


def choose_own_run(store: RunStore, pipeline: str, run_id: str | None) -> Run | None:
    """The run with that id or beginning of one; without, the newest of the pipeline that succeeded, if any.

    Its values are loaded, so it must be the user's own. Raises RunError for an id that is unknown, and
    for a run of somebody else.
    """
    if run_id is not None:
        found = store.find(run_id)
        store.require_own(found)
        return store.read(found)
    for each in store.list():
        if each.state is RunState.succeeded and each.pipeline == pipeline and store.is_own(each.run_id):
            return each
    return None
