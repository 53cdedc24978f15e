"""The same sequences with everything real: the runner, papermill, kernels. Slow.

`python -m tests.property.kernel_staleness COUNT [SEED]`. The calendar is left out: a
kernel knows the day.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from jupyter_pipe.engine import run_pipeline
from jupyter_pipe.engine.targets import RunRequest, open_target
from jupyter_pipe.events import Event, StageQueued
from jupyter_pipe.runs.model import RunOptions
from jupyter_pipe.runs.store import RunStore
from tests.cases.pipelines import Outcome
from tests.property.outside import Scene
from tests.property.outside_idioms import READERS
from tests.property.staleness import Pipelines, try_many

KINDS = frozenset(READERS) - {"calendar"}
BASE = {"PATH": "/usr/bin:/bin", "MPLBACKEND": "agg"}


class KernelPipelines(Pipelines):
    """Runs a scene's pipeline as `jupyter pipe run` does."""

    def run(
        self, scene: Scene, chance: random.Random
    ) -> tuple[Outcome, dict[str, str]]:
        notebook = scene.write_notebook(self.folder)
        outcome = Outcome()
        request = RunRequest(
            open_target(notebook),
            RunOptions(workers=chance.randint(1, 3)),
            environment={**BASE, **scene.environment},
        )
        run = run_pipeline(request, observers=[outcome.note])
        folder = RunStore(self.folder).folder(run.run_id)
        for stage in run.stages:
            if folder.executed(stage.name).exists():
                cells = request.target.pipeline.stage(stage.name).cells
                outcome.outputs.update(
                    zip(cells, _printed(folder.executed(stage.name)), strict=False)
                )
        ran = {stage.name for stage in run.stages if stage.state.value == "succeeded"}
        return outcome, {
            name: why for name, why in _reasons(outcome.events).items() if name in ran
        }


def _reasons(events: list[Event]) -> dict[str, str]:
    return {each.stage: each.reason for each in events if isinstance(each, StageQueued)}


def _printed(executed: Path) -> list[str]:
    """What each of the user's cells wrote, without the values of last lines."""
    cells = json.loads(executed.read_text())["cells"]
    own = [
        cell
        for cell in cells
        if cell["metadata"].get("jupyter_pipe", {}).get("role") == "cell"
    ]
    return [
        "".join(
            "".join(output["text"])
            for output in cell["outputs"]
            if output["output_type"] == "stream"
        ).replace("\r\n", "\n")
        for cell in own
    ]


if __name__ == "__main__":
    try_many(steps=3, kinds=KINDS, pipelines=KernelPipelines)
