"""Which files count, and which of them no run has seen as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_pipe.artifacts.protocol import ObservedPath
from jupyter_pipe.loop import LoopSettings
from jupyter_pipe.loop.machine.watching import Reads, Watched, watch
from jupyter_pipe.observe.digests import file_digest, listing_digest

OBSERVED = LoopSettings()
PATTERN = LoopSettings(files=("data/*.csv",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "data" / name).write_text(name)
    return tmp_path


def reads(folder: Path) -> Reads:
    """A run that lists the folder and reads what is in it."""
    names = sorted(path.name for path in (folder / "data").glob("*.csv"))
    listing = ObservedPath(
        "data", "listing", listing_digest(names), names=tuple(names), pattern="*.csv"
    )
    files = {
        f"data/{name}": ObservedPath(
            f"data/{name}", digest=file_digest(folder / "data" / name)
        )
        for name in names
    }
    return {"data\0listing\0*.csv": listing, **files}


def look(settings: LoopSettings, folder: Path, seen: Reads) -> Watched:
    return watch(settings, folder, seen, sorted(folder.glob("w.contracts/*.yaml")))


@pytest.mark.parametrize("settings", [OBSERVED, PATTERN], ids=["observed", "pattern"])
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "other", "data/a.csv changed"),
        ("c.csv", "new", "c.csv is new"),
        ("b.csv", None, "b.csv is"),
        ("a.csv", "a.csv", ""),
        ("notes.txt", "text", ""),
    ],
)
def test_what_changed(
    settings: LoopSettings, folder: Path, name: str, content: str | None, said: str
) -> None:
    seen = reads(folder)
    before = look(settings, folder, seen)
    assert before.changed == ()
    path = folder / "data" / name
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    after = look(settings, folder, seen)
    assert (said in " ".join(after.changed)) if said else after.changed == ()
    assert (after.data != before.data) is bool(said)


@pytest.mark.parametrize("settings", [OBSERVED, PATTERN], ids=["observed", "pattern"])
def test_a_new_file_that_is_repaired_is_other_data(
    settings: LoopSettings, folder: Path
) -> None:
    """Only its folder was observed, since no run that read it was good."""
    seen = reads(folder)
    (folder / "data" / "c.csv").write_text("miles")
    bad = look(settings, folder, seen)
    (folder / "data" / "c.csv").write_text("kilometres")
    assert look(settings, folder, seen).data != bad.data


def test_a_contract_that_is_widened_is_other_data(folder: Path) -> None:
    seen = reads(folder)
    before = look(OBSERVED, folder, seen)
    (folder / "w.contracts").mkdir()
    (folder / "w.contracts" / "raw.yaml").write_text("rows: [1, 2]")
    after = look(OBSERVED, folder, seen)
    assert after.changed == ()
    assert after.data != before.data


def test_a_time_that_was_set_back_does_not_hide_a_change(folder: Path) -> None:
    seen = reads(folder)
    (folder / "data" / "a.csv").write_text("A.csv")
    os.utime(folder / "data" / "a.csv", (1, 1))
    after = look(OBSERVED, folder, seen)
    assert after.changed == ("data/a.csv changed",)
    assert after.touched > 1e9
