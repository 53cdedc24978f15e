"""Stages on Dask workers: real ones of this machine, killed on the way, and unprepared
ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_pipe.engine.attempts.attempt import StageOutcome, StageWork
from jupyter_pipe.engine.dask import executor as dask
from jupyter_pipe.engine.remote.attempts import FarWork
from jupyter_pipe.engine.remote.claims import follow_stop, marks_of
from jupyter_pipe.engine.scheduling.stage_inputs import Given
from jupyter_pipe.errors import ExtraMissingError, RunError
from jupyter_pipe.events import FailureKind
from tests.engine.conftest import Runs
from tests.engine.packages import Package
from tests.engine.processes import children, wait_until

KILLS_ITS_WORKER = """
import os, signal, pathlib
first = pathlib.Path("first")
if not first.exists():
    first.touch()
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()
y = x + 1
"""


@pytest.mark.kernel
def test_a_killed_worker_costs_an_attempt(ran: Runs) -> None:
    package = (
        Package()
        .stage("a", "x = 41", binds="x")
        .stage("b", KILLS_ITS_WORKER, reads="x", binds="y")
    )
    package.stage("c", "print(y)", reads="y")
    before = len(children())
    done = ran(package, executor="dask", workers=2)
    assert done.run.exit_code == 0, done.run
    assert done.run.stage("b").attempts == 2
    assert done.printed("c") == "42\n"
    wait_until(lambda: len(children()) <= before)


class Workers:
    """A client whose workers answer as told."""

    def __init__(self, *answers: object) -> None:
        self.answers = {
            f"tcp://w{number}": answer for number, answer in enumerate(answers)
        }

    def wait_for_workers(self, number: int, timeout: float) -> None:
        assert number <= len(self.answers)

    def run(self, function: object, text: str, on_error: str) -> dict[str, object]:
        return self.answers


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("0.0.0", "it has jupyter_pipe 0.0.0"),
        (ModuleNotFoundError("no such"), "no such"),
    ],
)
def test_workers_without_our_code_are_named(answer: object, said: str) -> None:
    from jupyter_pipe import __version__

    dask._check_workers(Workers(__version__), started_here=1)
    with pytest.raises(RunError, match="tcp://w1") as caught:
        dask._check_workers(Workers(__version__, answer), started_here=2)
    assert said in caught.value.message


def test_without_the_extra_the_command_to_type_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(dask.importlib, "import_module", missing)
    with pytest.raises(ExtraMissingError, match="--executor dask"):
        dask.DaskExecutor(None, 1)


def work_in(folder: Path) -> StageWork:
    package = Package().stage("a", "1")
    return StageWork(
        "r",
        package.pipeline,
        "a",
        1,
        str(folder),
        str(folder),
        str(folder),
        str(folder),
        Given(),
    )


def test_an_attempt_is_begun_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask, "run_stage", lambda work, report, stop: StageOutcome(1.0))
    order = FarWork(work_in(tmp_path))
    outcomes = [dask._run_once(order, lambda event: None).outcome for _ in range(2)]
    assert outcomes[0] == StageOutcome(1.0)
    assert outcomes[1].failure is not None
    assert outcomes[1].failure.kind == FailureKind.worker_lost


@pytest.mark.parametrize("url", ["", "memory://marks"])
def test_the_word_to_stop_reaches_the_attempt(tmp_path: Path, url: str) -> None:
    work = msgspec.structs.replace(work_in(tmp_path), url=url)
    marks = marks_of(work)
    marks.look_seconds = 0.05
    dask._ask_to_stop(work, hard=False)
    assert not marks.leave("stop")
    with follow_stop(marks) as stop:
        wait_until(lambda: stop.is_set)
        heard: list[bool] = []
        stop.listen(heard.append)
        dask._ask_to_stop(work, hard=True)
        wait_until(lambda: heard == [False, True])
