"""Links below `.jupyter_pipe/`: those that lead nowhere are removed, others are
refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.errors import RunError
from jupyter_pipe.runs import RunStore

PLACES = [
    "",
    ".gitignore",
    "runs",
    "runs/20260101-000000-abcd",
    "cache",
    "cache/compiled/a.json",
    "cache/locks/a",
    "artifacts",
]


def linked(folder: Path, place: str, target: Path) -> RunStore:
    store = RunStore(folder)
    link = store.state_folder / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    return store


@pytest.mark.parametrize("place", PLACES)
def test_a_link_that_leads_nowhere_is_removed_and_not_followed(
    tmp_path: Path, place: str
) -> None:
    store = linked(tmp_path, place, tmp_path / "nowhere")
    store.make_state_folder()
    assert not (store.state_folder / place).is_symlink()
    assert (store.state_folder / ".gitignore").read_text() == "*\n"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("place", PLACES)
def test_a_link_that_leads_somewhere_is_refused(tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    store = linked(tmp_path, place, outside)
    with pytest.raises(RunError, match="symbolic link"):
        store.make_state_folder()
    assert not list(outside.iterdir())
