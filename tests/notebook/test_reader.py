from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.notebook import read_notebook


def code(
    source: Any, id_: str | None = None, tags: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    cell = {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": tags} if tags else {},
        **more,
    }
    return {**cell, "id": id_} if id_ else cell


def written(
    folder: Path, cells: list[dict[str, Any]], metadata: dict[str, Any] | None = None
) -> Path:
    path = folder / "sales.ipynb"
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": metadata or {},
        "cells": cells,
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_cells_are_numbered_as_they_run(tmp_path: Path) -> None:
    markdown = {
        "cell_type": "markdown",
        "id": "m",
        "source": ["# Title"],
        "metadata": {},
    }
    cells = [
        markdown,
        code(["a = 1\n", "b = 2"], "a"),
        code("  \n", "blank"),
        code("c = 3", "c", ["stage:x"]),
    ]
    notebook = read_notebook(written(tmp_path, cells))
    assert [(cell.id, cell.number) for cell in notebook.code_cells] == [
        ("a", 1),
        ("blank", None),
        ("c", 2),
    ]
    assert notebook.code_cells[0].source == "a = 1\nb = 2"
    assert notebook.code_cells[2].tags == ("stage:x",)
    assert (notebook.name, notebook.kernel) == ("sales", "python3")


def test_missing_ids_are_made_from_place_and_source(tmp_path: Path) -> None:
    first = read_notebook(written(tmp_path, [code("a"), code("a"), code("b")]))
    again = read_notebook(written(tmp_path, [code("a"), code("a"), code("b")]))
    ids = [cell.id for cell in first.cells]
    assert len(set(ids)) == 3
    assert ids == [cell.id for cell in again.cells]


def test_the_digest_is_that_of_code_and_tags(tmp_path: Path) -> None:
    plain = read_notebook(written(tmp_path, [code("a", "a"), code("b", "b")])).digest
    markdown = {"cell_type": "markdown", "id": "m", "source": "text", "metadata": {}}
    shown = code(
        "a",
        "a",
        execution_count=7,
        outputs=[{"output_type": "stream", "name": "stdout", "text": "x"}],
    )
    empty = code("", "e")
    same = written(
        tmp_path,
        [markdown, shown, code("b", "b"), empty],
        {"language_info": {"name": "python"}},
    )
    assert read_notebook(same).digest == plain
    for other in (
        [code("a", "a"), code("b ", "b")],
        [code("b", "b"), code("a", "a")],
        [code("a", "a", ["stage:x"]), code("b", "b")],
    ):
        assert read_notebook(written(tmp_path, other)).digest != plain


def test_settings_are_ours_or_kales(tmp_path: Path) -> None:
    ours = {
        "jupyter_pipe": {
            "name": "homes",
            "description": "d",
            "default_options": {"retries": 2},
        }
    }
    settings = read_notebook(written(tmp_path, [code("a", "a")], ours)).settings
    assert (settings.name, settings.description, settings.default_options) == (
        "homes",
        "d",
        ("retries:2",),
    )
    kale = {
        "kubeflow_notebook": {
            "pipeline_name": "titanic",
            "pipeline_description": "survival",
        }
    }
    settings = read_notebook(written(tmp_path, [code("a", "a")], kale)).settings
    assert (settings.name, settings.description) == ("titanic", "survival")


def test_format_3_is_upgraded_in_memory(tmp_path: Path) -> None:
    cell = {
        "cell_type": "code",
        "input": ["x = 1\n", "x"],
        "outputs": [],
        "language": "python",
        "metadata": {},
    }
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": [cell], "metadata": {}}],
    }
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old), encoding="utf-8")
    before = path.read_bytes()
    notebook = read_notebook(path)
    assert notebook.code_cells[0].source == "x = 1\nx"
    assert notebook.digest == read_notebook(path).digest
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"print('hello')", "does not hold JSON"),
        (
            b'{"nbformat": 4, "cells": [\n  {"cell_type": "code", "sour',
            "truncated: its JSON ends at line 2",
        ),
        (b'{"nbformat": 4, "cells": [}', "breaks at line 1, column 27"),
        (b'{"a": 1}', "is JSON, but not a notebook"),
        (b"[1, 2]", "is JSON, but not a notebook"),
        (b'{"nbformat": 9, "cells": []}', "newer than format 4"),
        (b'{"nbformat": 4, "metadata": {}, "cells": []}', "has no code cell"),
        (
            b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": " "}]}',
            "has no code cell",
        ),
        (b"\xff\xfe{", "not"),
    ],
)
def test_what_is_no_notebook_says_so(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotebookError) as caught:
        read_notebook(path)
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}},
        {"kernelspec": {"name": "ir"}},
        {"language_info": {"name": "R"}},
    ],
)
def test_other_languages_are_named(tmp_path: Path, metadata: dict[str, Any]) -> None:
    with pytest.raises(NotebookError) as caught:
        read_notebook(written(tmp_path, [code("x <- 1", "a")], metadata))
    assert caught.value.message == "Pipelines need a Python kernel; this one is R."


def test_paths_that_hold_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="is a folder"):
        read_notebook(tmp_path)
    written(tmp_path, [code("a", "a")])
    with pytest.raises(NotebookError, match="There is no notebook") as caught:
        read_notebook(tmp_path / "salse.ipynb")
    assert "sales.ipynb" in caught.value.hint


def test_two_cells_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="cells 1 and 2 from the top") as caught:
        read_notebook(written(tmp_path, [code("a", "same"), code("b", "same")]))
    assert caught.value.cell_id == "same"
