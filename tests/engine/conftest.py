from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.engine import run_pipeline
from jupyter_pipe.events import Event, StageFailed
from jupyter_pipe.runs import Run, RunFolder, RunStore
from tests.engine.packages import Package, request_of
from tests.engine.processes import forget_others


@pytest.fixture(autouse=True)
def own_processes() -> None:
    """Tests that look for what a run has left do not find what other tests have."""
    forget_others()


@dataclass
class Ran:
    """A run that is over, and where it is kept."""

    run: Run
    store: RunStore
    events: list[Event] = field(default_factory=list)

    @property
    def folder(self) -> RunFolder:
        return self.store.folder(self.run.run_id)

    def states(self) -> dict[str, str]:
        return {stage.name: stage.state.value for stage in self.run.stages}

    def executed(self, stage: str) -> list[dict[str, Any]]:
        """The user's cells of the executed notebook."""
        import json

        notebook = json.loads(self.folder.executed(stage).read_text())
        return [
            cell
            for cell in notebook["cells"]
            if cell["metadata"]["jupyter_pipe"]["role"] == "cell"
        ]

    def printed(self, stage: str) -> str:
        """What the user's cells wrote to stdout and stderr."""
        outputs = [
            output for cell in self.executed(stage) for output in cell["outputs"]
        ]
        return "".join(
            output["text"] for output in outputs if output["output_type"] == "stream"
        )

    def failure(self, stage: str) -> StageFailed:
        found = [
            event
            for event in self.events
            if isinstance(event, StageFailed) and event.stage == stage
        ]
        assert len(found) == 1
        return found[0]


Runs = Callable[..., Ran]


@pytest.fixture
def ran(tmp_path: Path) -> Runs:
    """Run a package in a folder of its own."""

    def run(package: Package, **request: Any) -> Ran:
        events: list[Event] = []
        observer = request.pop("observer", None)
        observers = [events.append, *([observer] if observer else [])]
        done = run_pipeline(
            request_of(package.write(tmp_path), **request), observers=observers
        )
        return Ran(done, RunStore(tmp_path), events)

    return run
