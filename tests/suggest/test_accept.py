"""Accepting a suggestion in a file, and taking it back: nothing but tags changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import NotebookError
from jupyter_pipe.suggest.accept import accept, take_back
from jupyter_pipe.suggest.edit import edit_tags
from tests.suggest.notebooks import EXAMPLES, notebook_json, without_tags


def write(path: Path, content: dict[str, Any], **options: Any) -> Path:
    path.write_bytes(json.dumps(content, **options).encode())
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"indent": 1},
        {"indent": 4},
        {"indent": "\t"},
        {"separators": (",", ":")},
        {"indent": 1, "sort_keys": True},
    ],
)
@pytest.mark.parametrize("ending", ["", "\n"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_undoing_gives_the_same_bytes(
    options: dict[str, Any], ending: str, ascii_only: bool, tmp_path: Path
) -> None:
    content = notebook_json("x = 'é 数'", ("y = x", "mine"), "#md text")
    content["cells"][0]["metadata"] = {"zoom": 1, "collapsed": False}
    text = json.dumps(content, ensure_ascii=ascii_only, **options) + ending
    path = tmp_path / "flow.ipynb"
    path.write_bytes(text.encode())
    accept(path, {"c1": ("stage:é", "after:b"), "c2": ("stage:b",)})
    tagged = json.loads(path.read_bytes())
    assert [cell["metadata"].get("tags") for cell in tagged["cells"]] == [
        ["stage:é", "after:b"], ["mine", "stage:b"], None,
    ]  # fmt: skip
    assert path.read_bytes().decode().endswith(ending or "}")
    assert take_back(path) == 3
    assert path.read_bytes() == text.encode()


def test_only_the_lines_of_tags_differ(tmp_path: Path) -> None:
    before = without_tags(EXAMPLES / "home_value.ipynb").decode()
    path = tmp_path / "home_value.ipynb"
    path.write_text(before, encoding="utf-8")
    accept(path, {"ridge-1": ("stage:ridge",)})
    after = path.read_text(encoding="utf-8")
    new = [
        line.strip() for line in after.splitlines() if line not in before.splitlines()
    ]
    assert new == ['"metadata": {', '"tags": [', '"stage:ridge"', "]", "},"]


def test_what_json_can_write_in_many_ways_stays() -> None:
    text = '{"cells":[{"cell_type":"code","metadata":{},"outputs":[1.0E5,-0,"\\u00e9\\/",NaN]}]}\r\n'
    assert edit_tags(text, {0: lambda tags: ["a"]}) == text.replace(
        "{}", '{"tags":["a"]}'
    )


def test_a_cell_without_metadata_gets_some() -> None:
    assert json.loads(
        edit_tags('{"cells": [{"source": ""}]}', {0: lambda tags: ["a"]})
    ) == {"cells": [{"metadata": {"tags": ["a"]}, "source": ""}]}


@settings(max_examples=50, derandomize=True)
@given(
    st.lists(st.lists(st.text(max_size=5), max_size=3), max_size=4),
    st.sampled_from([None, 1, "\t"]),
)
def test_any_tags_can_be_set(wanted: list[list[str]], indent: Any) -> None:
    cells = [
        {"source": str(number), "metadata": {"a": "]}"}}
        for number in range(len(wanted))
    ]
    text = json.dumps({"metadata": {"cells": []}, "cells": cells}, indent=indent)
    edited = edit_tags(
        text, {number: lambda _, tags=tags: tags for number, tags in enumerate(wanted)}
    )
    assert [cell["metadata"]["tags"] for cell in json.loads(edited)["cells"]] == wanted


def test_undoing_leaves_what_the_user_did_since(tmp_path: Path) -> None:
    path = write(tmp_path / "flow.ipynb", notebook_json("x = 1", "y = 2", "z = 3"))
    accept(path, {"c1": ("stage:a",), "c2": ("stage:b",), "c3": ("stage:c",)})
    content = json.loads(path.read_bytes())
    content["cells"][0]["metadata"]["tags"] = ["stage:other", "metric:x"]
    content["cells"][1]["metadata"]["tags"].append("metric:y")
    del content["cells"][2]
    write(path, content)
    assert take_back(path) == 1
    tags = [
        cell["metadata"].get("tags") for cell in json.loads(path.read_bytes())["cells"]
    ]
    assert tags == [["stage:other", "metric:x"], ["metric:y"]]
    with pytest.raises(NotebookError, match="No suggestion"):
        take_back(path)


def test_mode_and_links_stay(tmp_path: Path) -> None:
    real = write(tmp_path / "real.ipynb", notebook_json("x = 1"))
    real.chmod(0o640)
    link = tmp_path / "link.ipynb"
    link.symlink_to(real)
    accept(link, {"c1": ("stage:a",)})
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "stage:a" in real.read_text()


def test_an_old_format_is_left_alone(tmp_path: Path) -> None:
    old = {
        "worksheets": [
            {
                "cells": [
                    {
                        "cell_type": "code",
                        "input": "x = 1",
                        "language": "python",
                        "outputs": [],
                    }
                ]
            }
        ]
    }
    path = write(
        tmp_path / "old.ipynb",
        {**old, "metadata": {}, "nbformat": 3, "nbformat_minor": 0},
    )
    before = path.read_bytes()
    with pytest.raises(NotebookError, match="old format"):
        accept(path, {"c1": ("stage:a",)})
    assert path.read_bytes() == before


def test_the_command_shows_writes_and_takes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = [
        "import math",
        "a = [1]\na.append(2)\nprint(a)",
        "#md ## Sum",
        "b = sum(a)\nprint(b)\nmath.sqrt(b)",
    ]
    path = write(
        tmp_path / "flow.ipynb", notebook_json("#md ## Make", *cells), indent=1
    )
    before = path.read_bytes()
    assert main(["suggest", "flow.ipynb"]) == 0
    shown = capsys.readouterr().out
    assert "make  cell 2\n" in shown
    assert "takes a from make" in shown
    assert "jupyter pipe suggest flow.ipynb --write" in shown
    assert path.read_bytes() == before
    assert not (tmp_path / ".jupyter_pipe").exists()
    assert main(["suggest", "flow.ipynb", "--write"]) == 0
    assert "--undo" in capsys.readouterr().out
    assert main(["check", "flow.ipynb"]) == 0
    capsys.readouterr()
    assert main(["suggest", "flow.ipynb", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tags"] == {}
    assert main(["suggest", "flow.ipynb", "--undo"]) == 0
    assert path.read_bytes() == before
    assert main(["suggest", "flow.ipynb", "--undo"]) == 2
