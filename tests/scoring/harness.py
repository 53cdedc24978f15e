"""Notebooks as text, run and compiled to scorers in this process: `# %% TAG TAG` begins
a cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from jupyter_pipe.model import Notebook
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.scoring.building import Built, build_scorer
from jupyter_pipe.scoring.program import read_program
from jupyter_pipe.scoring.proving import proofs

__all__ = ["build", "compiled", "notebook_of", "run_whole"]


def cells_of(text: str) -> list[tuple[str, list[str]]]:
    """The cells of a notebook written as text, each with its tags."""
    cells: list[tuple[str, list[str]]] = []
    for part in text.strip().split("# %%")[1:]:
        head, _, source = part.partition("\n")
        cells.append((source.strip("\n"), head.split()))
    return cells


def notebook_of(text: str) -> Notebook:
    """The notebook that a text stands for."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "source": source,
            "metadata": {"tags": tags},
            "outputs": [],
            "execution_count": None,
        }
        for number, (source, tags) in enumerate(cells_of(text))
    ]
    kernel = {"name": "python3", "display_name": "Python", "language": "python"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return read_notebook(Path("idiom.ipynb"), json.dumps(content).encode())


def run_whole(text: str) -> dict[str, Any]:
    """The names after the cells have run from top to bottom, as Python runs them."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, (source, _) in enumerate(cells_of(text)):
        exec(compile(source, f"<whole {number}>", "exec"), names)
    return names


def compiled(text: str, names: Mapping[str, Any]) -> Built:
    """The scorer of a notebook that was run. Raises ScoringRefusedError."""
    program = read_program(notebook_of(text), Path())
    # Five times as many, as users get, cost half of a test and find nothing else here.
    with patch.object(proofs, "MOST_SINGLE_ROWS", 12):
        return build_scorer(program, names[program.score])


def build(text: str) -> tuple[Built, dict[str, Any]]:
    """Run a notebook and compile its scorer."""
    names = run_whole(text)
    return compiled(text, names), names
