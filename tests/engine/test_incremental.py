"""What runs again after a change, through real kernels: what depends on it, and why it
says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.compiler import compile_notebook
from jupyter_pipe.engine import RunRequest, Target, run_pipeline
from jupyter_pipe.engine.reuse import forecast as cached
from jupyter_pipe.events import StageQueued
from jupyter_pipe.runs import RunStore
from jupyter_pipe.runs.parameters import resolve_parameters

pytestmark = pytest.mark.kernel
CELLS = [
    ("parameters", "n = 10"),
    ("", "import random\nimport helper\nimport msgspec"),
    ("stage:load", "raw = [3, 1, 2]"),
    ("stage:tidy", "rows = sorted(raw)"),
    ("stage:total", "total = sum(rows) + helper.k"),
    ("stage:noise", "noise = random.random()"),
    ("stage:quiet after:noise", "quiet = msgspec.json.encode(n)"),
    ("stage:seeded", "drawn = random.Random(n).random()"),
]


class Workbench:
    """A notebook that is edited and run; a run tells of each stage that ran why it
    did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cells: list[dict[str, Any]] = [
            {
                "id": f"cell{number}",
                "cell_type": "code",
                "source": source,
                "metadata": {"tags": tags.split()},
                "outputs": [],
                "execution_count": None,
            }
            for number, (tags, source) in enumerate(CELLS)
        ]
        (folder / "helper.py").write_text("k = 1\n")

    def edit(self, cell: int, old: str, new: str) -> None:
        source = self.cells[cell]["source"]
        assert old in source
        self.cells[cell]["source"] = source.replace(old, new)

    def run(self, **parameters: Any) -> dict[str, str]:
        """Stage -> reason, of the stages that ran."""
        notebook = self.folder / "n.ipynb"
        metadata = {
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3",
                "language": "python",
            }
        }
        content = {
            "cells": self.cells,
            "metadata": metadata,
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        notebook.write_text(json.dumps(content))
        compiled = compile_notebook(notebook)
        store = RunStore(self.folder)
        request = RunRequest(
            Target(compiled.pipeline, notebook, store, files=compiled.files),
            parameters=resolve_parameters(
                compiled.pipeline.parameters, values=parameters
            ),
        )
        run = run_pipeline(request)
        assert run.exit_code == 0, run
        queued = [e for e in store.events(run.run_id) if isinstance(e, StageQueued)]
        reasons = {event.stage: event.reason for event in queued if event.reason}
        ran = {stage.name for stage in run.stages if stage.state.value == "succeeded"}
        assert set(reasons) == ran
        return reasons


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    bench = Workbench(tmp_path)
    names = ("load", "tidy", "total", "noise", "quiet", "seeded")
    assert bench.run() == dict.fromkeys(names, "never ran")
    return bench


NOISE = {"noise": "random, unseeded"}


def test_unseeded_draws_run_again_and_nothing_else_does(bench: Workbench) -> None:
    assert bench.run() == NOISE


def test_what_changes_no_meaning_runs_nothing(bench: Workbench) -> None:
    bench.edit(4, "total =", "# the sum\n\ntotal  =  ")
    bench.cells[3]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "saved"}
    ]
    bench.cells[3]["execution_count"] = 7
    markdown = {
        "id": "words",
        "cell_type": "markdown",
        "source": "# Title",
        "metadata": {},
    }
    bench.cells.insert(2, markdown)
    bench.cells.append(bench.cells.pop(5))
    assert bench.run() == NOISE


def test_unchanged_outputs_stop_the_cascade(bench: Workbench) -> None:
    bench.edit(2, "[3, 1, 2]", "[1, 2, 3]")
    assert bench.run() == NOISE | {
        "load": "code changed in cell 3",
        "tidy": "input raw from load changed",
    }


def test_modules_versions_and_parameters_count(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.folder / "helper.py").write_text("k = 2  # more\n")
    assert bench.run() == NOISE | {"total": "helper.py changed"}
    changed = bench.run(n=20)
    assert changed == NOISE | dict.fromkeys(
        ("quiet", "seeded"), "parameter n: 10 -> 20"
    )
    real = cached.find_versions

    def upgraded(*args: Any) -> dict[str, dict[str, str]]:
        return {**real(*args), "msgspec": {"msgspec": "9.9"}}

    monkeypatch.setattr(cached, "find_versions", upgraded)
    again = bench.run(n=20)
    assert set(again) == {"noise", "quiet"}
    assert again["quiet"].startswith("msgspec ")
    assert again["quiet"].endswith(" -> 9.9")
