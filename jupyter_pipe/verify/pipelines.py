"""How `verify` runs a pipeline, from nothing and in a store of its own, and what it
says of failures and of values that differ."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable

from jupyter_pipe.engine import RunRequest, Target, run_pipeline
from jupyter_pipe.events import DEMANDS, Event, StageFinished
from jupyter_pipe.runs.model import Run, RunOptions
from jupyter_pipe.verify.boundaries import Difference
from jupyter_pipe.verify.model import Divergence, Watcher

__all__ = [
    "SEEDS",
    "already_different",
    "failure_divergence",
    "run_anew",
    "value_divergence",
]

SEEDS = (0, 4711)
"""For hashes: the pipeline's, and another under which sets have another order."""
_NAME = re.compile(r"\w+")


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


def value_divergence(
    differences: Iterable[Difference], unstable: Container[tuple[str, str]]
) -> Divergence | None:
    """The first value that differs, of those that notebooks repeat; `unstable` are
    stages and variables that they do not."""
    for first in differences:
        if (first.stage, _variable(first.path)) not in unstable:
            cause = "the value when the stage ends differs, though all outputs agree"
            return Divergence(
                first.stage, first.expected, first.found, cause, variable=first.path
            )
    return None


def already_different(first: Difference) -> str:
    """Why a later cell shows something else."""
    return (
        f"{first.path} differs already when stage {first.stage} ends: "
        f"{first.expected} in the notebook, {first.found} in the pipeline"
    )


def _variable(path: str) -> str:
    """`prices` of `prices['x'][3]`."""
    found = _NAME.match(path)
    return found.group() if found else path
