"""Notebooks in the manner of real ones print as pipelines what they print whole, in any
grouping.

A sample: `jupyter pipe verify NB --groupings 20` looks longer, and at pictures, too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import CompileError
from jupyter_pipe.verify.groupings import random_grouping
from tests.cases.pipelines import Forks, run_as_notebook, run_as_pipeline

pytestmark = pytest.mark.processes

FOLDER = Path(__file__).parent
PICTURES = {"bike_counts", "picture_arrays", "plots", "magics"}
"""These need a kernel: figures, shell commands, magics of ipykernel."""
TEXTS = sorted(path for path in FOLDER.glob("*.ipynb") if path.stem not in PICTURES)
GROUPINGS = 2


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    made = Forks(tmp_path_factory.mktemp("forks"))
    yield made
    made.close()


@pytest.mark.parametrize("source", TEXTS, ids=lambda path: path.stem)
def test_prints_the_same_in_any_stages(
    source: Path, tmp_path: Path, forks: Forks
) -> None:
    whole = tmp_path / "whole" / source.name
    whole.parent.mkdir()
    whole.write_bytes(source.read_bytes())
    notebook = run_as_notebook(forks, whole)
    assert notebook.error == ""
    generators = (
        random.Random(f"{source.stem}/{number}") for number in range(GROUPINGS)
    )
    regrouped = (
        random_grouping(source.read_bytes(), generator) for generator in generators
    )
    for number, content in enumerate([source.read_bytes(), *regrouped]):
        path = tmp_path / str(number) / source.name
        path.parent.mkdir()
        path.write_bytes(content)
        try:
            pipeline = run_as_pipeline(forks, path, backwards=True)
        except CompileError:
            assert number > 0, "its own stages must compile"
            continue
        assert (number, pipeline.error) == (number, "")
        assert pipeline.outputs == {
            cell: notebook.outputs[cell] for cell in pipeline.outputs
        }


@pytest.mark.kernel
def test_draws_the_same_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plots.ipynb"
    path.write_bytes((FOLDER / "plots.ipynb").read_bytes())
    assert main(["verify", str(path), "-q"]) == 0, capsys.readouterr().out
