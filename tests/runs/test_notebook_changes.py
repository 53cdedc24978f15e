from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import ExtraMissingError
from jupyter_pipe.runs.report.changes import notebook_changes


def executed(folder: Path, name: str, *cells: tuple[str, list[Any]]) -> Path:
    """An executed notebook: sources with their outputs, and a cell of the
    compiler's."""
    ours = {
        "cell_type": "code",
        "source": f"# {name}",
        "metadata": {"jupyter_pipe": {"role": "inputs"}},
    }
    made = []
    for place, (source, outputs) in enumerate(cells):
        cell = {
            "cell_type": "code",
            "id": f"{name}{place}",
            "source": source,
            "metadata": {},
        }
        made.append({**cell, "outputs": outputs})
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({"cells": [ours, *made]}))
    return path


def stream(text: Any) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def shown(**data: Any) -> dict[str, Any]:
    return {
        "output_type": "execute_result",
        "execution_count": 7,
        "data": data,
        "metadata": {},
    }


def test_code_and_outputs_that_differ_are_told(tmp_path: Path) -> None:
    before = executed(
        tmp_path, "a", ("x = 1", [stream("one\n")]), ("fit(x)\nscore = 1", [])
    )
    after = executed(
        tmp_path, "b", ("x = 1", [stream("two\n")]), ("fit(x)\nscore = 2", [])
    )
    said = notebook_changes(before, after)
    assert "one\n" in said
    assert "two\n" in said
    assert "-  score = 1" in said
    assert "+  score = 2" in said


def test_what_only_counts_and_names_does_not_differ(tmp_path: Path) -> None:
    other = {**shown(**{"text/plain": "3"}), "execution_count": 9}
    before = executed(tmp_path, "a", ("x", [shown(**{"text/plain": "3"})]))
    after = executed(tmp_path, "b", ("x", [other]))
    assert notebook_changes(before, after) == ""
    assert notebook_changes(tmp_path / "gone.ipynb", tmp_path / "gone.ipynb") == ""


@pytest.mark.parametrize(
    "output",
    [
        stream("\x1b]0;title\x07\x1b[2Jhidden"),
        {
            "output_type": "error",
            "ename": "\x1b[31mE",
            "evalue": "\x9b1m",
            "traceback": 3,
        },
        shown(
            **{
                "text/html": "<script>alert(1)</script>\x1b[2J",
                "image/png": "A" * 200_000,
            }
        ),
        {"output_type": "display_data", "data": [1, 2]},
        {
            "output_type": "display_data",
            "data": {"application/json": {"a": [1, {"b": None}]}},
        },
        {"output_type": "unknown", "data": {}},
        {"output_type": ["stream"]},
        {},
    ],
)
def test_hostile_outputs_are_told_as_text(
    tmp_path: Path, output: dict[str, Any]
) -> None:
    before = executed(tmp_path, "a", ("x", [output]), ("y = 1", []))
    after = executed(tmp_path, "b", ("x", [stream("fine")]), ("y = 2", []))
    for pair in ((before, after), (after, before)):
        said = notebook_changes(*pair)
        assert "y = 2" in said
        assert not any(letter in said for letter in "\x1b\x9b\x07")
        assert len(said) < 60_000


def test_without_nbdime_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nbdime.diffing.notebooks", None)
    with pytest.raises(ExtraMissingError) as caught:
        notebook_changes(tmp_path / "a.ipynb", tmp_path / "b.ipynb")
    assert "jupyter_pipe[nbdime]" in caught.value.hint


def test_a_notebook_is_needed_to_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "latest", "--notebooks"]) == 2
