"""What an attempt that does not count has left in files, and what is undone of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from jupyter_pipe.artifacts.protocol import ObservedPath
from jupyter_pipe.observe.undoing import take_back


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def content(
    text: str, *, existed: bool = False, appended: bool = False
) -> ObservedPath:
    return ObservedPath(
        "log", digest=digest(text), size=len(text), existed=existed, appended=appended
    )


@pytest.mark.parametrize(
    ("before", "left", "now", "undone"),
    [
        ("old;", "old;mine;", "old;mine;", "old;"),
        ("old;", "old;mine;", "old;mine;others;", "old;others;"),
        ("", "mine;", "mine;", ""),
        (None, "mine;", "mine;", None),
        (None, "mine;", "mine;others;", "others;"),
        (None, "mine;", "anew", "anew"),
        (None, "mine;", None, None),
    ],
    ids=[
        "added",
        "added before others",
        "empty",
        "made",
        "made, others added",
        "replaced",
        "gone",
    ],
)
def test_a_file_is_what_it_was_but_for_what_others_did(
    tmp_path: Path, before: str | None, left: str, now: str | None, undone: str | None
) -> None:
    path = tmp_path / "log"
    if now is not None:
        path.write_text(now)
    read = () if before is None else (content(before, appended=True),)
    assert take_back([content(left, existed=before is not None)], read, tmp_path) == ()
    assert (path.read_text() if path.exists() else None) == undone


@pytest.mark.parametrize("now", ["old;others;mine;", "short", "changed;;", None])
def test_what_can_no_longer_be_told_apart_is_named_and_left_alone(
    tmp_path: Path, now: str | None
) -> None:
    path = tmp_path / "log"
    if now is not None:
        path.write_text(now)
    left = content("old;mine;", existed=True)
    assert take_back([left], [content("old;", appended=True)], tmp_path) == ("log",)
    assert (path.read_text() if path.exists() else None) == now


def test_a_counter_that_was_read_and_written_anew_is_named(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("2")
    assert take_back([content("2", existed=True)], [content("1")], tmp_path) == ("log",)
    assert take_back([content("2", existed=True)], [content("2")], tmp_path) == ()
    assert take_back([content("2", existed=True)], [], tmp_path) == ()
    assert (tmp_path / "log").read_text() == "2"


def test_folders_and_what_is_gone_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    written = [
        ObservedPath("log", "presence", "folder"),
        ObservedPath("log", "presence", "missing"),
    ]
    assert take_back(written, [], tmp_path) == ()
    assert (tmp_path / "log").is_dir()
