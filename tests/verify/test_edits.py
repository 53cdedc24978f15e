"""Random edits of what a notebook reads: what is offered, and what they do to a
folder."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from jupyter_pipe.artifacts.protocol import Observations, ObservedPath, ObservedVariable
from jupyter_pipe.verify.edited import copy_folder
from jupyter_pipe.verify.edits import Edit, Inputs, inputs_of, random_edit

READ = Observations(
    read=(
        ObservedPath("inputs/a.csv", digest="1"),
        ObservedPath("made.csv", digest="2"),
        ObservedPath("run.log", digest="3", appended=True),
        ObservedPath("tool.py", digest="4"),
        ObservedPath("/data/far.csv", digest="5"),
        ObservedPath("../beside.csv", digest="6"),
        ObservedPath("inputs", "listing", digest="7", pattern="*.csv"),
        ObservedPath("none.csv", "presence", digest="missing"),
    ),
    modules=(ObservedPath("plug.py", digest="8"),),
    variables=(
        ObservedVariable("MODE"),
        ObservedVariable("PATH"),
        ObservedVariable("*"),
    ),
)
WROTE = Observations(written=(ObservedPath("made.csv", digest="2"),))
FILES = {
    "inputs/a.csv": "x,y\n1,2\n3,4\n",
    "one.txt": "7",
    "picture.bin": "\0\0",
    "plug.py": "SIZE = 3\n",
    "empty.py": "name = 'x'\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def edits(inputs: Inputs, folder: Path, count: int = 60) -> dict[str, Edit]:
    """All that many draws offer, by what they tell."""
    drawn = (random_edit(inputs, folder, random.Random(seed)) for seed in range(count))
    return {edit.text: edit for edit in drawn if edit is not None}


def test_what_lies_below_the_folder_and_no_stage_made_is_edited() -> None:
    assert inputs_of([READ, WROTE]) == Inputs(
        files=("inputs/a.csv",),
        made=("made.csv",),
        folders=(("inputs", "*.csv"),),
        absent=("none.csv",),
        modules=("plug.py", "tool.py"),
        variables=("MODE",),
    )


@pytest.mark.parametrize(
    ("inputs", "texts"),
    [
        (
            Inputs(files=("inputs/a.csv",)),
            {
                *(
                    f"inputs/a.csv: line {line} {what}"
                    for line in (2, 3)
                    for what in ("removed", "repeated")
                ),
                *(f"inputs/a.csv: line {line} moved to the end" for line in (2, 3)),
                *(f"inputs/a.csv: another number in line {line}" for line in (2, 3)),
                *("inputs/a.csv removed", "inputs/a.csv touched"),
            },
        ),
        (
            Inputs(files=("one.txt",)),
            {"one.txt: another number", "one.txt removed", "one.txt touched"},
        ),
        (
            Inputs(files=("picture.bin",)),
            {
                "picture.bin: its last byte removed",
                "picture.bin removed",
                "picture.bin touched",
            },
        ),
        (Inputs(made=("one.txt", "gone.txt")), {"one.txt removed"}),
        (Inputs(absent=("none.csv",)), {"none.csv is there, empty"}),
        (Inputs(modules=("plug.py",)), {"plug.py: 3 -> 4 in line 1"}),
        (Inputs(modules=("empty.py",)), {"empty.py: has a new comment"}),
        (
            Inputs(variables=("MODE",)),
            {"MODE unset", "MODE=0", "MODE=1", "MODE=edited"},
        ),
        (Inputs(), set()),
    ],
    ids=[
        "table",
        "text",
        "bytes",
        "made",
        "absent",
        "module",
        "empty module",
        "variable",
        "nothing",
    ],
)
def test_each_input_is_edited_in_all_its_ways(
    folder: Path, inputs: Inputs, texts: set[str]
) -> None:
    assert edits(inputs, folder, 200).keys() == texts


def test_a_new_file_is_like_those_that_the_search_found(folder: Path) -> None:
    found = edits(Inputs(folders=(("inputs", "*.csv"),)), folder)
    for edit in found.values():
        edit.make(folder)
    names = sorted(path.name for path in (folder / "inputs").iterdir())
    assert len(names) == len(found) + 1
    assert all(name.startswith("a") and name.endswith(".csv") for name in names)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("line 2 removed", "x,y\n3,4\n"),
        ("line 2 repeated", "x,y\n1,2\n1,2\n3,4\n"),
        ("line 2 moved to the end", "x,y\n3,4\n1,2\n"),
    ],
)
def test_rows_change_and_the_first_line_stays(
    folder: Path, text: str, left: str
) -> None:
    edits(Inputs(files=("inputs/a.csv",)), folder, 200)[f"inputs/a.csv: {text}"].make(
        folder
    )
    assert (folder / "inputs/a.csv").read_text() == left


def test_a_variable_is_set_and_no_file_touched(folder: Path) -> None:
    found = edits(Inputs(variables=("MODE",)), folder)
    assert found["MODE unset"].variables == {"MODE": None}
    assert found["MODE=1"].variables == {"MODE": "1"}


def test_the_copy_has_what_the_user_made_and_not_what_tools_keep(
    folder: Path, tmp_path: Path
) -> None:
    for name in (
        ".jupyter_pipe/runs/x",
        ".git/config",
        "env/pyvenv.cfg",
        "inputs/__pycache__/a.pyc",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "link").symlink_to("one.txt")
    target = tmp_path.with_name(f"{tmp_path.name}-copy")
    copy_folder(folder, target)
    names = {
        path.relative_to(target).as_posix()
        for path in target.rglob("*")
        if not path.is_dir()
    }
    assert names == {*FILES, "link"}
    assert (target / "link").is_symlink()
