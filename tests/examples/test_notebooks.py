"""What every committed notebook must be: valid, without outputs, with ids that read
like names."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from jupyter_pipe.compiler import check_notebook, compile_notebook
from jupyter_pipe.compiler.notebook_list import list_notebooks
from jupyter_pipe.compiler.several import check_several

from .agreement import ROOT

NOTEBOOKS = sorted(
    [
        *ROOT.glob("example_notebooks/*.ipynb"),
        *ROOT.glob("example_notebooks/*/*.ipynb"),
        *ROOT.glob("tests/kale/*.ipynb"),
    ]
)


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
    assert [
        name for name in ids if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)?", name)
    ] == []


def test_the_compiler_finds_nothing_to_say(path: Path) -> None:
    # Those of a list are one pipeline, and share values.
    if path.with_name("pipeline.toml").exists():
        assert check_several(list_notebooks([path.parent])) == ()
    else:
        assert check_notebook(path) == ()


def test_quickstart_has_six_cells() -> None:
    notebook = nbformat.read(
        ROOT / "example_notebooks" / "quickstart.ipynb", as_version=4
    )
    assert len(notebook.cells) == 6


LEARNT_FROM = "X@load y@load splits@load X_test@load y_test@load"
SMALLEST = {
    "tickets": {
        "collect": "",
        "prepare": "tickets@collect",
        "train": "train@prepare",
        "evaluate": "classifier@train test@prepare",
    },
    "visitors_served": {
        "history": "",
        "past": "history@history",
        "train": "FEATURES@past train@past",
        "evaluate": "FEATURES@past model@train test@past",
        "serve": "FEATURES@past model@train test@past",
    },
    "quickstart": {
        "readings": "",
        "trend": "temperatures@readings",
        "extremes": "temperatures@readings",
        "summary": "temperatures@readings mean@trend coldest@extremes warmest@extremes",
    },
    "digits": {
        "load": "",
        **dict.fromkeys(
            ("neighbours", "vectors", "forest", "boosting", "network"), LEARNT_FROM
        ),
        "compare": "neighbours_reads@neighbours vectors_reads@vectors forest_reads@forest "
        "boosting_reads@boosting network_reads@network y_test@load test_images@load",
    },
    "home_value": {
        "ingest": "",
        "validate": "raw@ingest",
        "features": "sales@validate",
        **dict.fromkeys(("ridge", "forest", "boosting"), "X@features y@features"),
        "evaluate": "ridge@ridge forest@forest boosting@boosting test@features",
        "card": "models@evaluate best_model@evaluate scores@evaluate test@features train@features "
        "last_week@features",
    },
}
"""What each stage must receive, `name@stage`: nothing less, nothing more."""


@pytest.mark.parametrize("name", SMALLEST)
def test_the_graph_of_an_example_is_the_smallest(name: str) -> None:
    pipeline = compile_notebook(ROOT / "example_notebooks" / f"{name}.ipynb").pipeline
    received = {
        stage.name: {f"{one.name}@{one.from_}" for one in stage.inputs}
        for stage in pipeline.stages
    }
    assert received == {
        stage: set(text.split()) for stage, text in SMALLEST[name].items()
    }
    edges = {(edge.from_, edge.to) for edge in pipeline.edges}
    assert edges == {
        (text.partition("@")[2], stage)
        for stage, names in received.items()
        for text in names
    }
