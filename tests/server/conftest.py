"""A Jupyter server with our extension, and notebooks for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.events import Event, RunQueued
from jupyter_pipe.model import Pipeline, Source, Stage
from jupyter_pipe.runs import RunFacts, RunStore

pytest_plugins = ("pytest_jupyter.jupyter_server",)


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"jupyter_pipe": True}}}


@pytest.fixture
def write_notebook(jp_root_dir: Path) -> Callable[..., Path]:
    """Write a notebook below the server's root; cells are `(source, *tags)`."""

    def write(path: str, *cells: tuple[str, ...]) -> Path:
        target = jp_root_dir / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(notebook_json(*cells)), encoding="utf-8")
        return target

    return write


def notebook_json(*cells: tuple[str, ...]) -> dict[str, Any]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3",
                "language": "python",
            }
        },
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {"tags": tags},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, (source, *tags) in enumerate(cells)
        ],
    }


@pytest.fixture
def make_run(jp_root_dir: Path) -> Callable[..., str]:
    """Write a run's log without running anything."""

    def make(
        *events: Event, notebook: str = "flow.ipynb", facts: RunFacts | None = None
    ) -> str:
        facts = facts or RunFacts(notebook=str(jp_root_dir / notebook))
        stage = Stage(
            "fit", cells=("c0",), module="flow/fit.py", notebook="notebooks/fit.ipynb"
        )
        pipeline = Pipeline(
            1, "flow", "python3", Source("flow.ipynb", "x"), stages=(stage,)
        )
        writer = RunStore((jp_root_dir / notebook).parent).create(pipeline, facts)
        writer.append(RunQueued(writer.run_id, "flow", ("fit",)))
        for event in events:
            writer.append(event)
        writer.close()
        return writer.run_id

    return make
