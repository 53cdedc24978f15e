"""Notebooks and run folders for the tests of commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_pipe.events import Event, RunQueued, encode_event
from jupyter_pipe.model import to_json
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.signatures import sign
from tests.cli.scripted import home_value, scripted_run


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "CI",
        "GITHUB_ACTIONS",
        "GITHUB_STEP_SUMMARY",
        "FORCE_COLOR",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def write_notebook(path: Path, cells: Sequence[tuple[str, Sequence[str]]]) -> Path:
    """A notebook of code cells from `(source, tags)`."""
    document = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": list(tags)},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, (source, tags) in enumerate(cells, 1)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "p", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two stages, a parameter, a metric and a gate."""
    return write_notebook(
        tmp_path / "small.ipynb",
        [
            ("n = 3  # how many", ["parameters"]),
            ("xs = list(range(n))\nprint('made', len(xs))", ["stage:make"]),
            ("total = sum(xs)", ["stage:add", "metric:total", "gate:total < 100"]),
        ],
    )


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A name that nobody defines, and a tag that does not parse."""
    return write_notebook(
        tmp_path / "broken.ipynb",
        [
            ("x_train = 1", ["stage:one"]),
            ("y = 1\nprint(x_trian)", ["stage:two"]),
            ("z = 1", ["stage:a b"]),
        ],
    )


def write_run(root: Path, events: list[Event], run_id: str) -> RunStore:
    """A finished run as the runner leaves it, without executed notebooks."""
    store = RunStore(root)
    folder = store.folder(run_id)
    folder.path.mkdir(parents=True)
    events = [
        replace(e, run_id=run_id) if isinstance(e, RunQueued) else e for e in events
    ]
    folder.pipeline.write_bytes(to_json(home_value()))
    folder.events.write_bytes(b"".join(map(encode_event, events)))
    folder.summary.write_bytes(sign("run", run_id, to_json(scripted_run(events))))
    return store
