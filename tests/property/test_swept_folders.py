"""Folders that a stage empties: what has come into them since is as it would be for the
notebook.

Each story runs in two folders, as a notebook and as a pipeline with its cache, edit
after edit; every cell and every file must be the same. It also says which stages run,
so that nothing runs without need.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.cache import plan
from jupyter_pipe.engine.attempts import attempt as stage_module
from jupyter_pipe.observe.present import Present
from jupyter_pipe.observe.settling import settle
from tests.cases.pipelines import Forks
from tests.property.outside import Scene
from tests.property.staleness import Pipelines, difference_between, run_notebook

pytestmark = pytest.mark.processes

EMPTIES = {
    "by rmtree": 'shutil.rmtree("own", ignore_errors=True)\nos.makedirs("own")\nnp.savetxt("own/x.txt", [1])',
    "by a program": "!rm -rf own; mkdir own; echo 1 > own/x.txt",
    "one by one": "os.makedirs('own', exist_ok=True)\nfor one in os.listdir('own'):\n"
    "    os.remove(f'own/{one}')\nos.rmdir('own')\nos.mkdir('own')",
}
LISTS = 'print(sorted(os.listdir("own")))'
LOOKS = 'print(os.path.exists("own/z.txt"))'
WRITES = 'Path("own", os.getenv("FUZZ_MODE", "z") + ".txt").write_text("3")'
OTHERWISE = 'Path("own", "q" + ".txt").write_text("3")'
LITERALLY = 'Path("own/z.txt").write_text("3")'
Edit = Callable[[Scene, Path], None]


def nothing(scene: Scene, folder: Path) -> None:
    """Between two runs nobody does anything."""


def put(scene: Scene, folder: Path) -> None:
    """Somebody puts a file into the folder."""
    (folder / "own" / "new.txt").write_text("1")


def take(scene: Scene, folder: Path) -> None:
    """Somebody removes a file that a stage has made."""
    (folder / "made.txt").unlink()


def set_mode(scene: Scene, folder: Path) -> None:
    """The last stage writes a file of another name."""
    scene.environment["FUZZ_MODE"] = "b"


def code(number: int, source: str) -> Edit:
    """A stage gets other code."""

    def make(scene: Scene, folder: Path) -> None:
        scene.cells[number] = (scene.cells[number][0], source)

    return make


STORIES: dict[str, tuple[tuple[str, str], Edit, str]] = {
    "nothing happens": ((LISTS, WRITES), nothing, ""),
    "a file is put there": ((LISTS, WRITES), put, "s1 s3"),
    "it is written under another name": ((LISTS, WRITES), set_mode, "s1 s3"),
    "other code writes another name": ((LISTS, WRITES), code(2, OTHERWISE), "s1 s3"),
    "other code lists": ((LISTS, WRITES), code(1, LISTS + "\nprint(2)"), "s1 s2 s3"),
    "other code looks": ((LOOKS, WRITES), code(1, LOOKS + "\nprint(2)"), "s1 s2 s3"),
    "other code writes the same name": (
        ("", LITERALLY),
        code(2, LITERALLY + "\nprint(2)"),
        "s3",
    ),
}


@pytest.mark.parametrize("empties", EMPTIES)
@pytest.mark.parametrize("story", STORIES)
def test_a_folder_that_is_emptied_holds_what_the_notebook_leaves(
    forks: Forks, tmp_path: Path, story: str, empties: str
) -> None:
    (middle, last), edit, expected = STORIES[story]
    cells = [("s1", EMPTIES[empties]), ("s2", middle or "print(0)"), ("s3", last)]
    told = list(tell(forks, tmp_path, cells, edit))
    assert [difference for difference, _ in told] == [""] * len(told)
    assert [ran for _, ran in told][3:] == [expected, ""]


BLIND: dict[str, tuple[str, Edit, str]] = {
    "emptied": (EMPTIES["by rmtree"], put, "own/new.txt is None, of the pipeline b'1'"),
    "written": (
        'Path("made.txt").write_text("1")',
        take,
        "made.txt is b'1', of the pipeline None",
    ),
}


@pytest.mark.parametrize("aspect", BLIND)
def test_without_what_a_stage_left_its_result_is_stale(
    forks: Forks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aspect: str
) -> None:
    def settle_blindly(observed: Observations, present: Present) -> Observations:
        return replace(settle(observed, present), **{aspect: ()})

    monkeypatch.setattr(stage_module, "settle", settle_blindly)
    monkeypatch.setattr(plan, "add_named", lambda observed, *_: observed)
    source, edit, difference = BLIND[aspect]
    assert [found for found, _ in tell(forks, tmp_path, [("s1", source)], edit)][
        3
    ] == difference


def tell(
    forks: Forks, top: Path, cells: list[tuple[str, str]], edit: Edit
) -> Iterator[tuple[str, str]]:
    """After each of five runs, with the edit before the fourth: what differs, and which
    stages ran."""
    scene = Scene(cells, [])
    whole, parts = top / "whole", top / "parts"
    for folder in (whole, parts):
        folder.mkdir()
        scene.lay_out(folder)
    pipelines = Pipelines(forks, parts)
    # Who lists the folder before it empties it finds a file there in the second run
    # only.
    for change in (nothing, nothing, nothing, edit, nothing):
        for folder in (whole, parts):
            change(scene, folder)
        notebook = run_notebook(forks, whole, scene)
        pipeline, reasons = pipelines.run(scene, random.Random(1))
        yield (
            difference_between(notebook, pipeline, whole, parts),
            " ".join(sorted(reasons)),
        )
