"""Two runs of one pipeline at once: one computes, the other reads."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.cache.plan import Computed
from jupyter_pipe.engine import request, run_pipeline
from jupyter_pipe.engine.request import prepare
from jupyter_pipe.engine.reuse.forecast import CachedResults
from jupyter_pipe.engine.reuse.results import Checked
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.stage_inputs import Given
from jupyter_pipe.runs import Run, locks
from jupyter_pipe.runs.processes import LEASE_SECONDS, this_process
from tests.engine.machines import Shell, diamond, pipeline, stage
from tests.engine.packages import Package, request_of

PACKAGE = Package().stage("a", "x = 1", binds="x")


def reasons(shell: Shell, name: str) -> list[str]:
    queued = [
        event
        for event in shell.events
        if isinstance(event, ev.StageQueued) and event.stage == name
    ]
    return [event.reason for event in queued if event.reason]


def test_a_stage_waits_for_another_run_and_reads_its_result() -> None:
    shell = Shell(diamond(), awaited=["left"])
    shell.end("load")
    assert list(shell.running) == ["right"]
    shell.remind()
    shell.remind()
    shell.end("right")
    assert shell.finish is None
    shell.awaited, shell.reusable = set(), {"left"}
    shell.remind()
    assert reasons(shell, "left") == ["waiting for run r1"]
    shell.end("join")
    assert shell.states()["left"] == "cached"
    assert shell.finish is not None


def test_a_stage_whose_other_run_failed_runs_itself() -> None:
    shell = Shell(pipeline(stage("a")), awaited=["a"])
    shell.awaited = set()
    shell.remind()
    assert list(shell.running) == ["a"]
    assert reasons(shell, "a") == ["waiting for run r1", "never ran"]


def test_waiting_takes_no_place_from_what_can_run() -> None:
    shell = Shell(pipeline(stage("a"), stage("b")), workers=1, awaited=["a"])
    assert list(shell.running) == ["b"]


def test_cancelling_and_failing_end_the_waiting() -> None:
    for end in ("cancel", "fail"):
        shell = Shell(pipeline(stage("a"), stage("b")), awaited=["a"])
        if end == "cancel":
            shell.tell(ms.Cancel("user"))
            shell.stopped("b")
        else:
            shell.breaks("b")
        assert (
            shell.states()["a"] == "skipped"
        )  # it had not begun, whatever ended the waiting
        assert shell.finish is not None


class OtherRun:
    """A run of `PACKAGE` as far as its results go."""

    def __init__(self, folder: Path, **request: Any) -> None:
        package = PACKAGE.write(folder)
        self.prepared = prepare(request_of(package, **request))
        self.writer = self.prepared.store.create(
            self.prepared.taking_part, self.prepared.facts
        )
        self.run_id = self.writer.run_id
        self.writer.append(
            ev.RunQueued(run_id=self.run_id, pipeline="p", stages=("a",))
        )
        self.results = CachedResults(self.prepared, package, self.run_id)

    def check(self) -> Checked:
        return self.results.check(self.prepared.pipeline, "a", Given())

    def record(self, folder: Path) -> None:
        executed = folder / "executed.ipynb"
        executed.write_text("{}")
        computed = Computed(StageResult(), self.run_id, 1.0, executed)
        self.results.record(self.prepared.pipeline, "a", computed)


def test_the_second_run_waits_and_then_reads(tmp_path: Path) -> None:
    first, second = OtherRun(tmp_path), OtherRun(tmp_path)
    assert first.check() == Checked("never ran")
    for _ in range(2):
        assert second.check() == Checked(f"waiting for run {first.run_id}", waits=True)
    first.record(tmp_path)
    found = second.check()
    assert found.reuse is not None
    assert found.reuse.run_id == first.run_id


@pytest.mark.parametrize("end", ["give_up", "close"])
def test_what_the_first_run_gives_up_the_second_computes(
    tmp_path: Path, end: str
) -> None:
    first, second = OtherRun(tmp_path), OtherRun(tmp_path)
    first.check()
    assert second.check().waits
    if end == "close":
        first.results.close()
    else:
        first.results.give_up("a")
    assert second.check() == Checked("never ran")


def test_a_run_that_died_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = OtherRun(tmp_path), OtherRun(tmp_path)
    monkeypatch.setattr(
        locks, "this_process", lambda: replace(this_process(), start="long ago")
    )
    first.check()
    monkeypatch.undo()
    assert second.check() == Checked("never ran")


def test_a_run_of_another_host_holds_until_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = OtherRun(tmp_path), OtherRun(tmp_path)
    monkeypatch.setattr(
        locks, "this_process", lambda: replace(this_process(), host="elsewhere")
    )
    first.check()
    monkeypatch.undo()
    assert second.check().waits
    first.writer.append(
        ev.RunFinished(state=ev.RunState.cancelled, exit_code=130, seconds=1.0)
    )
    first.writer.flush()
    assert second.check() == Checked("never ran")


def test_a_run_that_was_killed_on_another_host_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as there:
        for module in (locks, request):
            there.setattr(
                module,
                "this_process",
                lambda: replace(this_process(), host="elsewhere"),
            )
        first = OtherRun(tmp_path)
        first.check()
    second = OtherRun(tmp_path)
    assert second.check().waits
    then = time.time() - LEASE_SECONDS - 10
    os.utime(first.writer.path / "run.json", (then, then))
    assert second.check() == Checked("never ran")


@pytest.mark.parametrize(
    "request_", [{"force_all": True}, {"use_cache": False}, {"force": ("a",)}]
)
def test_who_must_compute_waits_for_nobody(
    tmp_path: Path, request_: dict[str, Any]
) -> None:
    OtherRun(tmp_path).check()
    assert not OtherRun(tmp_path, **request_).check().waits


def test_who_must_compute_keeps_nobody_waiting(tmp_path: Path) -> None:
    OtherRun(tmp_path, force_all=True).check()
    assert not OtherRun(tmp_path).check().waits


@pytest.mark.kernel
def test_two_runs_at_once_compute_each_stage_once(tmp_path: Path) -> None:
    package = Package()
    package.stage(
        "a",
        "import time\nopen('a.log', 'a').write('a')\ntime.sleep(0.5)\nx = 1",
        binds="x",
    )
    package.stage("b", "open('b.log', 'a').write('b')\ny = x + 1", reads="x", binds="y")
    written = package.write(tmp_path)
    runs: list[Run] = []

    def run() -> None:
        runs.append(run_pipeline(request_of(written)))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=180)
    assert [one.state for one in runs] == [ev.RunState.succeeded] * 2
    assert ((tmp_path / "a.log").read_text(), (tmp_path / "b.log").read_text()) == (
        "a",
        "b",
    )
    states = sorted(tuple(stage.state.value for stage in one.stages) for one in runs)
    assert states == [("cached", "cached"), ("succeeded", "succeeded")]
