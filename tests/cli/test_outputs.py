"""Files that users name: written whole, never through what lies in their place, or
refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from jupyter_pipe.cache.replacing import write_named_file
from jupyter_pipe.cli.main import main
from jupyter_pipe.cli.output.writing import write_output
from jupyter_pipe.errors import RunError
from tests.compiler.notebooks import write_notebook


@pytest.mark.parametrize(
    "there", ["nothing", "file", "link", "dangling link", "pipe", "empty folder"]
)
def test_what_lies_in_its_place_is_replaced(tmp_path: Path, there: str) -> None:
    """A folder that somebody else made may have a link of the name that the
    documentation uses."""
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "new" / "report.html"
    path.parent.mkdir(exist_ok=there != "nothing")
    if there == "file":
        path.write_text("old")
    elif there == "pipe":
        os.mkfifo(path)
    elif there == "empty folder":
        path.mkdir()
    elif "link" in there:
        path.symlink_to(elsewhere)
        if there == "link":
            elsewhere.write_text("private")
    write_output(path, b"new")
    assert path.read_bytes() == b"new"
    assert not path.is_symlink()
    assert (
        elsewhere.read_text() == "private"
        if there == "link"
        else not elsewhere.exists()
    )


@pytest.mark.parametrize("letter", ["n", "ö", "☃", "𝄞"])
def test_the_longest_names_are_written(tmp_path: Path, letter: str) -> None:
    path = tmp_path / (letter * (255 // len(letter.encode())))
    write_output(path, b"x")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_device_is_written_to(capfd: pytest.CaptureFixture[str]) -> None:
    write_named_file(Path("/dev/stdout"), b"shown\n")
    write_named_file(Path("/dev/null"), b"gone")
    assert capfd.readouterr().out == "shown\n"


@pytest.mark.parametrize("name", ["file/report.html", "folder", "n" * 300])
def test_what_cannot_be_written_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "full").write_text("")
    with pytest.raises(RunError, match="Cannot write"):
        write_output(tmp_path / name, b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_commands_say_it_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = str(write_notebook(tmp_path / "n.ipynb", [("x = 1", ["stage:a"])]))
    answers = tmp_path / "a.json"
    chosen = {"result": [{"type": "choices", "value": {"choices": ["x"]}}]}
    answers.write_text(json.dumps([{"data": {"k": 1}, "annotations": [chosen]}]))
    for argv in (
        ["graph", notebook, "-o"],
        ["labels", "merge", str(answers), "--key", "k", "-o"],
    ):
        assert main([*argv, f"{notebook}/out"]) == 2
        assert "Cannot write" in capsys.readouterr().err
