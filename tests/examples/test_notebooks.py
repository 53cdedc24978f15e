"""What every committed notebook must be: valid, without outputs, with ids that read like names."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from jupyter_pipe.compiler import check_notebook

from .agreement import ROOT

NOTEBOOKS = sorted([*ROOT.glob("example_notebooks/*.ipynb"), *ROOT.glob("tests/kale/*.ipynb")])


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    chosen: Path = request.param
    return chosen


def test_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert {cell.execution_count for cell in code} == {None}


def test_cell_ids_read_like_names(path: Path) -> None:
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)?", name)] == []


def test_the_compiler_finds_nothing_to_say(path: Path) -> None:
    assert check_notebook(path) == ()


def test_quickstart_has_six_cells() -> None:
    notebook = nbformat.read(ROOT / "example_notebooks" / "quickstart.ipynb", as_version=4)
    assert len(notebook.cells) == 6
