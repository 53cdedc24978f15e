"""How `verify` runs a pipeline: from nothing, in a store of its own."""

from __future__ import annotations

import os

from jupyter_pipe.engine import RunRequest, Target, run_pipeline
from jupyter_pipe.events import DEMANDS, Event, StageFinished
from jupyter_pipe.runs.model import Run, RunOptions
from jupyter_pipe.verify.model import Divergence, Watcher

__all__ = ["SEEDS", "failure_divergence", "run_anew"]

SEEDS = (0, 4711)
"""For hashes: the pipeline's, and another under which sets have another order."""


def run_anew(target: Target, *, workers: int | None, watcher: Watcher) -> Run:
    """Run all stages, whatever the cache has, and tell how many are done."""
    total, done = len(target.pipeline.stages), set[str]()

    def observe(event: Event) -> None:
        if isinstance(event, StageFinished):
            done.add(event.stage)
            watcher.advances(len(done), total, "stage")

    request = RunRequest(
        target=target,
        options=RunOptions(workers=workers, use_cache=False),
        # As the notebook's first run, so that sets have the same order in both.
        environment={**os.environ, "PYTHONHASHSEED": str(SEEDS[0])},
        trigger="verify",
    )
    return run_pipeline(request, observers=[observe])


def failure_divergence(run: Run) -> Divergence | None:
    """A stage that fails where its notebook does not, though no output differs."""
    for stage in run.stages:
        if stage.failure is not None and stage.failure.kind not in DEMANDS:
            failure = stage.failure
            cause = (
                f"the stage fails: {failure.hint}"
                if failure.hint
                else "the stage fails"
            )
            return Divergence(
                stage.name,
                "(no error)",
                f"{failure.ename}: {failure.evalue}",
                cause,
                cell_id=failure.cell_id,
            )
    return None
