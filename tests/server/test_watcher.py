"""The watcher tells of runs that anybody writes, in order and in small events."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from jupyter_pipe import events as ev
from jupyter_pipe.model import Pipeline, Source
from jupyter_pipe.runs import Process, RunFacts, RunStore
from jupyter_pipe.runs.writing import RunWriter
from jupyter_pipe.server.payloads import RunChanged
from jupyter_pipe.server.runs.watcher import RunWatcher

DEAD = Process(pid=2**22 + 1, start="never", host=socket.gethostname())


def begin(folder: Path, facts: RunFacts | None = None) -> RunWriter:
    writer = RunStore(folder).create(
        Pipeline(1, "flow", "python3", Source("", "")), facts or RunFacts()
    )
    writer.append(ev.RunQueued(writer.run_id, "flow", ("a",)))
    return writer


def watch(folder: Path) -> tuple[RunWatcher, list[RunChanged]]:
    told: list[RunChanged] = []
    watcher = RunWatcher(told.append)
    watcher.watch("sub", folder, start=False)
    return watcher, told


def test_tells_of_runs_from_their_first_event_to_their_last(tmp_path: Path) -> None:
    watcher, told = watch(tmp_path)
    watcher.look()
    writer = begin(tmp_path)
    watcher.look()
    writer.append(ev.RunStarted(pid=1, workers=1))
    writer.append(ev.StageQueued("a"))
    watcher.look()
    watcher.look()
    writer.append(ev.RunFinished(ev.RunState.failed, exit_code=1, seconds=1.0))
    writer.close()
    watcher.look()
    watcher.look()
    assert [(change.root, change.run_id) for change in told] == [
        ("sub", writer.run_id)
    ] * 3
    assert [(change.seq, change.state.value) for change in told] == [
        (1, "queued"),
        (3, "running"),
        (4, "failed"),
    ]


def test_says_nothing_of_runs_that_were_over(tmp_path: Path) -> None:
    writer = begin(tmp_path)
    writer.append(ev.RunFinished(ev.RunState.succeeded, exit_code=0, seconds=1.0))
    writer.close()
    watcher, told = watch(tmp_path)
    watcher.look()
    assert told == []


def test_finds_runs_that_were_active_before(tmp_path: Path) -> None:
    writer = begin(tmp_path)
    watcher, told = watch(tmp_path)
    watcher.look()
    writer.close()
    assert [change.seq for change in told] == [1]


def test_waits_for_a_whole_line(tmp_path: Path) -> None:
    watcher, told = watch(tmp_path)
    writer = begin(tmp_path)
    with (writer.path / "events.jsonl").open("ab") as log:
        log.write(b'{"event":"run_star')
    watcher.look()
    writer.close()
    assert [(change.seq, change.state.value) for change in told] == [(1, "queued")]


def test_a_census_finds_a_log_that_came_late(tmp_path: Path) -> None:
    folder = RunStore(tmp_path).runs_folder / "20260101-000000-abcd"
    folder.mkdir(parents=True)
    os.utime(folder.parent, (1, 1))  # nothing has come or gone for long
    watcher, told = watch(tmp_path)
    watcher.look()
    (folder / "events.jsonl").write_bytes(
        ev.encode_event(ev.RunQueued("x", "flow", ("a",), seq=1))
    )
    watcher.look()
    assert told == []
    watcher.take_census()
    watcher.look()
    assert [change.run_id for change in told] == [folder.name]


def test_marks_runs_whose_runner_died_at_start(tmp_path: Path) -> None:
    writer = begin(tmp_path, RunFacts(runner=DEAD))
    writer.close()
    watch(tmp_path)
    assert (
        (tmp_path / ".jupyter_pipe" / "runs" / writer.run_id / "run.json")
        .read_text()
        .count("interrupted")
    )


def test_tells_when_a_runner_dies_while_watched(tmp_path: Path) -> None:
    watcher, told = watch(tmp_path)
    writer = begin(tmp_path, RunFacts(runner=DEAD))
    watcher.look()
    writer.close()
    watcher.take_census()
    watcher.look()
    assert [change.state.value for change in told] == ["queued", "interrupted"]
