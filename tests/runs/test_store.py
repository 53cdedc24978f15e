from __future__ import annotations

import errno
import os
import re
import time
from pathlib import Path

import msgspec
import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import RunError
from jupyter_pipe.model import Pipeline, Source
from jupyter_pipe.runs import Process, RunFacts, RunStore, processes
from jupyter_pipe.runs.log import EventLog, read_events
from jupyter_pipe.runs.processes import LEASE_SECONDS, Heart, is_alive, this_process

PIPELINE = Pipeline(
    version=1, name="p", kernel="python3", source=Source("p.ipynb", "0")
)


def dead_process() -> Process:
    """This host's process of our own pid, started at another time: it is gone."""
    return msgspec.structs.replace(this_process(), start="long ago")


def start_run(
    store: RunStore, run_id: str | None = None, runner: Process | None = None
) -> str:
    writer = store.create(
        PIPELINE, RunFacts(runner=runner or this_process()), run_id=run_id
    )
    writer.append(ev.RunQueued(run_id=writer.run_id, pipeline="p", stages=("a", "b")))
    writer.append(ev.RunStarted(pid=1, workers=1))
    writer.append(ev.StageStarted(stage="a"))
    writer.close()
    return writer.run_id


def test_a_new_run_is_laid_out_and_ignored_by_git(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = start_run(store)
    assert (tmp_path / ".jupyter_pipe" / ".gitignore").read_text() == "*\n"
    assert store.ids() == (run_id,)
    assert store.read(run_id).stage("a").state is ev.StageState.running
    assert store.read_pipeline(run_id) == PIPELINE
    assert [event.seq for event in store.events(run_id)] == [1, 2, 3]
    assert [event.seq for event in store.events(run_id, since=2)] == [3]


def test_ids_are_found_by_start_end_and_age(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    for run_id in (
        "20260101-000000-aa11",
        "20260101-000001-bb22",
        "20270101-000000-cc33",
    ):
        start_run(store, run_id)
    assert store.find("2027") == "20270101-000000-cc33"
    assert store.find("bb22") == "20260101-000001-bb22"
    assert store.find("latest") == "20270101-000000-cc33"
    with pytest.raises(RunError, match="2 runs start with '2026'"):
        store.find("2026")
    with pytest.raises(RunError, match="no run 'x'"):
        store.find("x")
    with pytest.raises(RunError, match="exists already"):
        start_run(store, "20260101-000000-aa11")


def test_a_run_whose_runner_died_reads_as_interrupted(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = start_run(store, runner=dead_process())
    run = store.read(run_id)
    assert run.state is ev.RunState.interrupted
    assert run.stage("a").state is ev.StageState.interrupted
    assert len(list(store.events(run_id))) == 3
    assert store.reconcile() == (run_id,)
    assert isinstance(list(store.events(run_id))[-1], ev.RunFinished)
    assert store.reconcile() == ()
    assert store.read(run_id).state is ev.RunState.interrupted


def test_a_living_run_is_left_alone(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = start_run(store)
    assert store.reconcile() == ()
    assert store.read(run_id).state is ev.RunState.running


def test_a_torn_last_line_is_not_read_and_is_repaired_on_open(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventLog(path, path) as log:
        log.append(ev.StageStarted(stage="a"))
    with path.open("ab") as file:
        file.write(b'{"event":"stage_sta')
    assert [event.seq for event in read_events(path)] == [1]
    with EventLog(path, path) as log:
        log.append(ev.StageStarted(stage="b"))
    assert [event.seq for event in read_events(path)] == [1, 2]


WRITTEN = [
    ev.RunQueued(run_id="r", pipeline="p", stages=("a",), seq=1, time=1.0),
    ev.StageStarted(stage="a", seq=2, time=2.0),
    ev.MetricLogged(stage="a", name="m", value=3, seq=3, time=3.0),
    ev.RunFinished(ev.RunState.succeeded, exit_code=0, seconds=3.0, seq=4, time=4.0),
]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"nonsense", "log_damaged"),
        (b"", "log_damaged"),
        (b'{"event":"stage_started","stage":"\xff"}', "log_damaged"),
        (b'{"event":"stage_started","stage":7}', "log_damaged"),
        (b'{"event":"stage_started"}', "log_damaged"),
        (
            b'{"event":"metric_logged","stage":"a","name":"m","value":' + b"[" * 9999,
            "log_damaged",
        ),
        (b"\0" * 512, "log_damaged"),
        (b'{"event":"stage_pondered","stage":"a","seq":2,"time":2.0}', "event_unknown"),
    ],
)
def test_a_line_that_is_no_event_is_said_and_left_out(
    tmp_path: Path, line: bytes, code: str
) -> None:
    path = tmp_path / "events.jsonl"
    lines = [ev.encode_event(event) for event in WRITTEN]
    lines[1] = line + b"\n"
    path.write_bytes(b"".join(lines))
    found = list(read_events(path))
    assert [found[0], *found[2:]] == [WRITTEN[0], *WRITTEN[2:]]
    assert isinstance(found[1], ev.WarningRaised)
    assert (found[1].code, found[1].seq) == (code, 2)
    assert "Line 2 of the run's log" in found[1].message


def test_a_run_without_a_summary_is_over_when_nobody_writes_it(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = start_run(store)
    summary = store.folder(run_id).summary
    summary.write_bytes(b"\xff")
    assert store.read(run_id).state is ev.RunState.running
    silent(summary)
    assert store.read(run_id).state is ev.RunState.interrupted


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, b"0" * 63])
def test_a_damaged_salt_is_made_anew(tmp_path: Path, content: bytes) -> None:
    store = RunStore(tmp_path)
    store.make_state_folder()
    first = store.salt()
    assert len(first) == 64
    (store.state_folder / "salt").write_bytes(content)
    assert store.salt() == ""
    store.make_state_folder()
    assert len(store.salt()) == 64
    assert store.salt() != first


def test_one_writer_at_a_time_and_a_dead_one_makes_way(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with (
        EventLog(path, path),
        pytest.raises(RunError, match="being written by process"),
    ):
        EventLog(path, path)
    (tmp_path / "writer.lock").write_bytes(msgspec.json.encode(dead_process()))
    EventLog(path, path).close()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["events.jsonl"]


def elsewhere() -> Process:
    return Process(pid=1, start="x", host="elsewhere")


def silent(path: Path, seconds: float = LEASE_SECONDS + 10) -> None:
    """The file was last touched so long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_process_of_another_place_lives_as_long_as_its_beat(tmp_path: Path) -> None:
    beat = tmp_path / "run.json"
    assert not is_alive(elsewhere(), beat)
    beat.touch()
    for process in (
        elsewhere(),
        msgspec.structs.replace(this_process(), space="pid:[1]", start="x"),
    ):
        os.utime(beat)
        assert is_alive(process, beat)
        for seconds in (
            LEASE_SECONDS + 10,
            -LEASE_SECONDS - 10,
        ):  # the clock was set back, too
            silent(beat, seconds)
            assert not is_alive(process, beat)


def test_a_process_of_this_place_is_asked_and_not_its_beat(tmp_path: Path) -> None:
    beat = tmp_path / "run.json"
    assert is_alive(this_process(), beat)
    beat.touch()
    assert not is_alive(dead_process(), beat)


def test_the_clock_of_the_file_system_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = tmp_path / "run.json"
    beat.touch()
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert is_alive(elsewhere(), beat)


def test_a_heart_beats_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "BEAT_SECONDS", 0.001)
    beat = tmp_path / "run.json"
    heart = Heart(beat)  # the file may come later, and go
    beat.touch()
    silent(beat)
    while not is_alive(elsewhere(), beat):
        pass
    heart.stop()
    silent(beat)
    assert not is_alive(elsewhere(), beat)


def test_a_run_that_was_killed_on_another_host_is_over(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = start_run(store, runner=elsewhere())
    (store.folder(run_id).path / "writer.lock").write_bytes(
        msgspec.json.encode(elsewhere())
    )
    assert store.read(run_id).state is ev.RunState.running
    assert store.reconcile() == ()
    with pytest.raises(RunError, match="being written by process 1 on elsewhere"):
        EventLog(store.folder(run_id).events, store.folder(run_id).summary)
    silent(store.folder(run_id).summary)
    assert store.read(run_id).state is ev.RunState.interrupted
    assert store.reconcile() == (run_id,)
    assert isinstance(list(store.events(run_id))[-1], ev.RunFinished)
    assert not (store.folder(run_id).path / "writer.lock").exists()


def test_a_writer_that_was_taken_for_dead_stops(tmp_path: Path) -> None:
    now = 100.0
    path = tmp_path / "events.jsonl"
    log = EventLog(path, path, clock=lambda: now)
    log.append(ev.RunStarted(pid=1, workers=1))
    (tmp_path / "writer.lock").write_bytes(msgspec.json.encode(elsewhere()))
    now += LEASE_SECONDS
    with pytest.raises(RunError, match="another host took it for dead"):
        log.append(ev.RunStarted(pid=1, workers=1))
    log.close()
    assert (tmp_path / "writer.lock").exists()
    assert len(list(read_events(path))) == 1


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"{}", b"[" * 10_000, b'{"pid":"1"}']
)
def test_a_damaged_lock_holds_nobody_up(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "writer.lock").write_bytes(content)
    EventLog(tmp_path / "events.jsonl", tmp_path / "run.json").close()
    assert not (tmp_path / "writer.lock").exists()


def test_a_summary_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    replace_file(path, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_a_root_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / ".jupyter_pipe").write_text("a file is in the way")
    with pytest.raises(RunError, match="Cannot keep runs in") as caught:
        start_run(RunStore(tmp_path))
    assert "--root" in caught.value.hint


def test_reading_needs_neither_papermill_nor_nbformat() -> None:
    import subprocess
    import sys

    code = "import jupyter_pipe.runs, sys; print([m for m in ('papermill','nbformat') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("written", [b"", b'{"type":"run_que'])
def test_a_run_whose_runner_died_before_its_first_event_is_none(
    tmp_path: Path, written: bytes
) -> None:
    store = RunStore(tmp_path)
    begun = start_run(store)
    folder = store.folder("20990101-000000-0000")
    folder.path.mkdir()
    folder.events.write_bytes(written)
    assert store.ids() == (begun,)
    assert store.find("latest") == begun
    assert store.reconcile() == ()


def test_a_runner_that_dies_right_after_its_first_event_is_seen(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    writer = store.create(PIPELINE, RunFacts(runner=dead_process()))
    queued = ev.RunQueued(
        run_id=writer.run_id, pipeline="p", stages=("a",), seq=1, time=1.0
    )
    writer.path.joinpath("events.jsonl").write_bytes(ev.encode_event(queued))
    assert store.read(writer.run_id).state is ev.RunState.interrupted


@pytest.mark.parametrize(
    ("newest", "next_"),
    [
        ("29990101-000000-00ff", "29990101-000000-0100"),
        ("29990101-000000-ffff", "29990101-000000-ffff0"),
        ("29990101-000000-ffff0", "29990101-000000-ffff1"),
    ],
)
def test_a_run_sorts_behind_earlier_ones_though_the_clock_was_set_back(
    tmp_path: Path, newest: str, next_: str
) -> None:
    store = RunStore(tmp_path)
    start_run(store, newest)
    assert start_run(store) == next_
    assert store.find("latest") == next_


def test_a_run_that_was_given_a_name_stands_where_it_began(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    names = [
        start_run(store, "20200101-000000-aaaa"),
        start_run(store, "nightly"),
        start_run(store, "29990101-000000-aaaa"),
    ]
    assert store.ids() == tuple(reversed(names))
    assert store.find("latest") == names[-1]


def test_runs_of_one_second_stay_in_order(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    begun = [start_run(store) for _ in range(20)]
    assert store.ids() == tuple(reversed(begun))


def test_whoever_names_a_run_first_names_it_behind_the_others(tmp_path: Path) -> None:
    """The server and a handle know the id before the run's folder is there."""
    store = RunStore(tmp_path)
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", store.next_run_id())
    begun = [start_run(store, store.next_run_id()) for _ in range(20)]
    assert store.ids() == tuple(reversed(begun))
