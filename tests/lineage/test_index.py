"""The index says what the runs say, whatever happened to it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_pipe.artifacts.protocol import Observations, ObservedPath, StageResult
from jupyter_pipe.cli.main import main
from jupyter_pipe.lineage import LineageIndex, lineage_of_run
from jupyter_pipe.model import to_json
from jupyter_pipe.runs.store import RunStore
from tests.cli.conftest import write_run
from tests.cli.scripted import succeeded_events

RUNS = ["20261120-100000-aaaa", "20261121-100000-bbbb"]


def add_run(root: Path, run_id: str, digest: str) -> None:
    """A run whose stage ingest read `data/a.csv`, listed a folder, and wrote
    `out.csv`."""
    store = write_run(root, succeeded_events(), run_id)
    read = (
        ObservedPath("data/a.csv", digest=digest),
        ObservedPath("data", "listing", "l"),
    )
    observed = Observations(read=read, written=(ObservedPath("out.csv", digest="o"),))
    folder = store.folder(run_id).stage("ingest")
    folder.mkdir(parents=True)
    (folder / "result.json").write_bytes(to_json(StageResult(observed=observed)))


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    for run_id, digest in zip(RUNS, ("old", "new"), strict=True):
        add_run(tmp_path, run_id, digest)
    return RunStore(tmp_path)


def told(store: RunStore, name: str = "data/a.csv") -> list[tuple[str, str, str, str]]:
    with LineageIndex(store) as index:
        return [
            (one.run_id, one.stage, one.digest, one.role)
            for one in index.touches(store.root / name)
        ]


BOTH = [(RUNS[1], "ingest", "new", "read"), (RUNS[0], "ingest", "old", "read")]


def test_who_read_and_who_wrote(store: RunStore) -> None:
    assert told(store) == BOTH
    assert told(store, "out.csv") == [
        (run_id, "ingest", "o", "written") for run_id in reversed(RUNS)
    ]
    assert told(store, "data") == []


def test_runs_come_and_go(store: RunStore) -> None:
    assert told(store) == BOTH
    shutil.rmtree(store.folder(RUNS[0]).path)
    assert told(store) == BOTH[:1]
    add_run(store.root, "20261122-100000-cccc", "newer")
    assert [run_id for run_id, *_ in told(store)] == ["20261122-100000-cccc", RUNS[1]]


def older_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("DROP TABLE files")


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda path: path.write_bytes(b"not a database" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:2048] + b"\0" * 4096),
        lambda path: path.write_bytes(b""),
        older_version,
    ],
    ids=["deleted", "nonsense", "torn", "empty", "another version"],
)
def test_a_damaged_index_is_made_again(
    store: RunStore, damage: Callable[[Path], object]
) -> None:
    assert told(store) == BOTH
    damage(store.state_folder / "lineage.sqlite")
    assert told(store) == BOTH


def test_the_command(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(store.root)
    assert main(["impact", "data/a.csv"]) == 0
    assert RUNS[1] in capsys.readouterr().out
    assert main(["impact", "data/b.csv"]) == 0
    assert "Did you mean" in capsys.readouterr().out


def test_what_a_run_came_from(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RUNS[1]
    assert main(["lineage", "latest", "--root", str(store.root), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["run"]["run_id"] == run
    assert found["run"]["read"] == [
        {"path": "data/a.csv", "digest": "new", "stage": "ingest"}
    ]
    assert found["run"]["written"] == [
        {"path": "out.csv", "digest": "o", "stage": "ingest"}
    ]
    assert found["versions"] == []
    for name in (run, run[:11], run[9:]):
        assert main(["lineage", name, "--root", str(store.root)]) == 0
        told = capsys.readouterr().out
        assert told.startswith(f"{run}, succeeded")
        assert "  read        data/a.csv  new  by ingest" in told
        assert "  written     out.csv  o  by ingest" in told


def test_what_the_run_wrote_itself_is_no_source(store: RunStore) -> None:
    folder = store.folder(RUNS[0]).stage("validate")
    folder.mkdir(parents=True)
    observed = Observations(
        read=(ObservedPath("out.csv", digest="o"), ObservedPath("b.csv", digest="b"))
    )
    (folder / "result.json").write_bytes(to_json(StageResult(observed=observed)))
    lineage = lineage_of_run(store, store.read(RUNS[0]))
    assert [each.path for each in lineage.read] == ["b.csv", "data/a.csv"]
