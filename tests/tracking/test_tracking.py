"""Everything arrives, and arrives once: at trackers that fail, die, are away, or hear
of three runs."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.engine.tracking import track_setting
from jupyter_pipe.errors import TrackingError
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.tracking.address import find_address
from jupyter_pipe.tracking.following import PATIENCE_SECONDS, follow, tell_waiting
from jupyter_pipe.tracking.mlflow_client import open_client
from jupyter_pipe.tracking.mlflow_tracker import MlflowTracker
from jupyter_pipe.tracking.openlineage_tracker import OpenLineageTracker, lineage_events
from jupyter_pipe.tracking.outbox import enlist, read_outbox, tell, waiting
from jupyter_pipe.tracking.told import Told
from jupyter_pipe.tracking.trackers import open_tracker, require_address
from jupyter_pipe.trust.signatures import sign
from tests.tracking.lineage_rules import require_lineage
from tests.tracking.runs import BEGIN, write_run


class KilledError(BaseException):
    """Stands for a kill."""


class Remembering:
    """A tracker that writes down what it is told, and fails when `trouble` says so."""

    def __init__(self, *trouble: BaseException | None) -> None:
        self.heard: list[tuple[str, int]] = []
        self._trouble = list(trouble)

    def tell(self, told: Told) -> None:
        trouble = self._trouble.pop(0) if self._trouble else None
        if trouble is not None:
            raise trouble
        self.heard.append((told.run.run_id, told.seq))


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


# The outbox


def test_what_was_told_is_not_told_again(store: RunStore) -> None:
    write_run(store, "one")
    tracker = Remembering()
    assert tell(tracker, "here", store, "one")
    assert tell(tracker, "here", store, "one")
    assert tracker.heard == [("one", 12)]
    assert tell(tracker, "there", store, "one")
    assert tell(tracker, "here", store, "one", again=True)
    assert len(tracker.heard) == 3


def test_a_tracker_that_is_away_hears_everything_later(store: RunStore) -> None:
    for name in ("one", "two", "three"):
        enlist(store.folder(write_run(store, name)), "here")
    away = Remembering(*[OSError("away")] * 3)
    assert tell_waiting(away, "here", store) == []
    assert [run_id for run_id, _ in waiting(store)] == ["one", "two", "three"] or len(
        waiting(store)
    ) == 3
    back = Remembering()
    assert sorted(tell_waiting(back, "here", store)) == ["one", "three", "two"]
    assert waiting(store) == []
    assert tell_waiting(back, "there", store) == []


def test_the_follower_waits_longer_and_longer_and_goes_on(store: RunStore) -> None:
    write_run(store, "one")
    pauses: list[float] = []
    tracker = Remembering(*[OSError("away")] * 8)
    assert follow(tracker, "here", store, "one", pause=pauses.append, clock=lambda: 0.0)
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert tracker.heard == [("one", 12)]


def test_the_follower_gives_up_and_leaves_the_run_in_the_outbox(
    store: RunStore,
) -> None:
    enlist(store.folder(write_run(store, "one")), "here")
    now = iter([0.0, PATIENCE_SECONDS / 2, PATIENCE_SECONDS + 1])
    trouble = [ValueError("strange")] * 2
    assert not follow(
        Remembering(*trouble),
        "here",
        store,
        "one",
        pause=lambda _: None,
        clock=lambda: next(now),
    )
    assert waiting(store) == [("one", "here")]


def test_a_kill_between_telling_and_writing_it_down_tells_twice_and_loses_nothing(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(store, "one")
    tracker = Remembering()
    with monkeypatch.context() as patch:
        patch.setattr("jupyter_pipe.tracking.outbox._write", _kill)
        with pytest.raises(KilledError):
            tell(tracker, "here", store, "one")
    assert tell(tracker, "here", store, "one")
    assert tracker.heard == [("one", 12)] * 2


def _kill(*_: object) -> None:
    raise KilledError


def test_a_damaged_outbox_tells_again(store: RunStore) -> None:
    write_run(store, "one")
    tell(Remembering(), "here", store, "one")
    (store.folder("one").path / "tracking.json").write_text("{", encoding="utf-8")
    assert read_outbox(store.folder("one")).told == {}


# Addresses


@pytest.mark.parametrize("address", ["mlflow", "", "/tmp/x", "http://me:secret@host/"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(TrackingError):
        require_address(address)


def test_addresses_mean_trackers(tmp_path: Path) -> None:
    assert isinstance(open_tracker("default", tmp_path), MlflowTracker)
    assert isinstance(open_tracker("http://localhost:1", tmp_path), MlflowTracker)
    assert isinstance(open_tracker("sqlite+pysqlite:///x.db", tmp_path), MlflowTracker)
    assert isinstance(
        open_tracker(f"openlineage+file://{tmp_path}/x", tmp_path), OpenLineageTracker
    )
    with pytest.raises(TrackingError, match="neither a file nor a server"):
        open_tracker("openlineage+ftp://x/y", tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"metadata": {"jupyter_pipe": {"track": true}}}', "default"),
        (
            '{"metadata": {"jupyter_pipe": {"track": "http://localhost:5000"}}}',
            "http://localhost:5000",
        ),
        ('{"metadata": {"jupyter_pipe": {"track": false}}}', ""),
        ('{"metadata": {}, "track": 1}', ""),
        ('{"track"', ""),
    ],
)
def test_the_setting_of_a_notebook(tmp_path: Path, text: str, found: str) -> None:
    notebook = tmp_path / "n.ipynb"
    notebook.write_text(text, encoding="utf-8")
    assert track_setting(notebook) == found
    assert track_setting(tmp_path / "missing.ipynb") == ""


# OpenLineage


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[1]",
        b"7",
        b"{}",
        b"[" * 100_000,
        b'{"run": 1, "eventType": "START"}',
        b"\0" * 64,
    ],
)
def test_lines_of_others_stay_and_stop_nothing(
    store: RunStore, tmp_path: Path, line: bytes
) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_bytes(line + b"\n")
    write_run(store, "whole")
    for _ in range(2):
        OpenLineageTracker(file.as_uri()).tell(Told(store, "whole"))
    first, *events = file.read_bytes().splitlines()
    assert first == line
    assert len(events) == 6


def test_a_pipe_is_not_waited_for(store: RunStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "runs.jsonl")
    write_run(store, "whole")
    with pytest.raises(OSError, match="not a regular file"):
        OpenLineageTracker((tmp_path / "runs.jsonl").as_uri()).tell(
            Told(store, "whole")
        )


def test_each_transition_is_one_event_in_the_file(
    store: RunStore, tmp_path: Path
) -> None:
    """Told half-way, by a process that is killed within a line, and by another at the
    end."""
    file = tmp_path / "lineage" / "runs.jsonl"
    write_run(store, "half", BEGIN)
    OpenLineageTracker(file.as_uri()).tell(Told(store, "half"))
    with file.open("ab") as out:
        out.write(b'{"eventType": "COMP')
    write_run(store, "whole")
    for _ in range(2):
        OpenLineageTracker(file.as_uri()).tell(Told(store, "whole"))
    events = [
        json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()
    ]
    told = Counter((event["job"]["name"], event["eventType"]) for event in events)
    assert told == {
        ("homes", "START"): 2,
        ("homes", "COMPLETE"): 1,
        ("homes.load", "START"): 2,
        ("homes.load", "COMPLETE"): 1,
        ("homes.fit", "START"): 2,
        ("homes.fit", "COMPLETE"): 1,
    }
    require_lineage(events[:3])
    require_lineage(events[3:])
    fit = next(event for event in events if event["job"]["name"] == "homes.fit")
    assert fit["run"]["facets"]["parent"]["job"]["name"] == "homes"


def test_three_runs_at_once_in_one_file(store: RunStore, tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    names = [write_run(store, name) for name in ("one", "two", "three")]
    threads = [
        threading.Thread(
            target=lambda name=name: OpenLineageTracker(file.as_uri()).tell(
                Told(store, name)
            )
        )
        for name in names * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = file.read_text(encoding="utf-8").splitlines()
    assert (
        len(lines)
        == len(set(lines))
        == 3 * len(list(lineage_events(Told(store, "one"))))
    )


def test_a_server_that_fails_in_between_gets_the_rest(store: RunStore) -> None:
    write_run(store, "one")
    got: list[dict[str, Any]] = []
    answers = iter([200, 200, 503] + [200] * 20)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = next(answers)
            if status == 200:
                got.append({"path": self.path, **json.loads(body)})
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            tracker = OpenLineageTracker(f"http://127.0.0.1:{server.server_port}")
            assert follow(tracker, "there", store, "one", pause=lambda _: None)
        finally:
            server.shutdown()
            thread.join()
    keys = Counter((event["run"]["runId"], event["eventType"]) for event in got)
    assert set(keys.values()) == {1}
    assert len(keys) == len(list(lineage_events(Told(store, "one"))))
    assert {event["path"] for event in got} == {"/api/v1/lineage"}


@pytest.mark.parametrize("signed_as", ["", "other"])
def test_an_outbox_that_others_wrote_sends_nothing(
    store: RunStore, signed_as: str
) -> None:
    write_run(store, "one")
    enlist(store.folder("one"), "here")
    assert waiting(store) == [("one", "here")]
    document = json.dumps({"told": {"openlineage+http://127.0.0.1:9": 0}}).encode()
    signed = sign("tracking", signed_as, document) if signed_as else document
    (store.folder("one").path / "tracking.json").write_bytes(signed)
    assert waiting(store) == []


# MLflow


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tracked")
    address = find_address(root, f"sqlite:///{root}/mlflow.db")
    open_client(address)
    return root / "mlflow.db"


@pytest.mark.thorough
def test_mlflow_has_each_run_stage_and_value_once(
    store: RunStore,
    tmp_path: Path,
    empty_database: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three runs at once; one of them told half-way first, by a process that dies in
    the middle; and all of them again by the command."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    store.make_state_folder()
    shutil.copyfile(empty_database, store.state_folder / "mlflow.db")
    names = [write_run(store, name) for name in ("one", "two", "three")]
    dying = MlflowTracker("", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowTracker, "_end", _kill)
        with pytest.raises(KilledError):
            dying.tell(Told(store, "one"))
    threads = [
        threading.Thread(
            target=tell, args=(MlflowTracker("", tmp_path), "default", store, name)
        )
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert main(["track", "--all", "--again", "--root", str(tmp_path)]) == 0
    client = open_client(find_address(tmp_path))
    experiment = client.get_experiment_by_name("homes")
    found = client.search_runs([experiment.experiment_id])
    kinds = Counter(run.data.tags["jupyter_pipe.kind"] for run in found)
    assert kinds == {"run": 3, "stage": 6}
    one = next(run for run in found if run.info.run_name == "one")
    assert one.info.status == "FINISHED"
    assert one.data.params == {"depth": "3"}
    assert one.data.tags["gate.1"].startswith("passed: loss < 3")
    assert one.data.tags["metric.kind"] == "ridge"
    assert one.data.tags["mlflow.source.git.commit"] == "c" * 40
    assert [
        (m.step, m.value) for m in client.get_metric_history(one.info.run_id, "loss")
    ] == [
        (0, 2.0),
        (1, 1.5),
    ]
    children = [
        run
        for run in found
        if run.data.tags.get("mlflow.parentRunId") == one.info.run_id
    ]
    assert sorted(run.info.run_name for run in children) == ["fit", "load"]
    assert "pipeline.json" in [
        each.path for each in client.list_artifacts(one.info.run_id)
    ]
    # In a project that was moved, or in a store that a stranger has filled, files go
    # into this folder too.
    own = store.state_folder / "mlflow"
    with sqlite3.connect(own.with_suffix(".db")) as database:
        database.execute(
            "UPDATE experiments SET artifact_location = 'http://127.0.0.1:9/away'"
        )
        database.execute(
            "UPDATE runs SET artifact_uri = '/old/mlflow/runs/' || run_uuid || '/artifacts'"
        )
    database.close()
    assert main(["track", "one", "--again", "--root", str(tmp_path)]) == 0
    assert client.get_experiment(experiment.experiment_id).artifact_location.startswith(
        str(own)
    )
    again = client.get_run(one.info.run_id)
    assert again.info.artifact_uri == str(own / "runs" / one.info.run_id / "artifacts")
    assert not Path("/old").exists()


def test_the_command_says_what_waits_and_what_cannot_be_reached(
    store: RunStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(store, "one")
    root = ["--root", str(tmp_path)]
    assert main(["track", *root]) == 0
    assert "Nothing waits" in capsys.readouterr().out
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert (
        main(["track", "one", "--to", f"openlineage+file://{tmp_path}/file/x", *root])
        == 1
    )
    assert "not told" in capsys.readouterr().out
    assert (
        main(["track", "one", "--to", f"openlineage+file://{tmp_path}/x.jsonl", *root])
        == 0
    )
    assert "1 run told" in capsys.readouterr().out
    assert main(["track", "one", "--to", "nowhere", *root]) == 2
