"""What an exported task does with its command: the code of the file, in the place of
Airflow's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from jupyter_pipe.export import Options, Plan, export_text, find_exporter
from jupyter_pipe.export.plan import PlanParameter, Task

COUNT = PlanParameter("count", "int", 1, "1")
PLAN = Plan(
    "p",
    "",
    None,
    Options("package", "/root"),
    (COUNT,),
    (Task("a", parameters=(COUNT,), retries=1),),
)


class AgainError(Exception):
    """Airflow tries the task again, as often as its retries say."""


class OverError(Exception):
    """Airflow does not."""


class TimeLimit(BaseException):
    """Airflow's own, which no `except Exception` meets."""


class Dag(SimpleNamespace):
    def __enter__(self) -> Dag:
        return self

    def __exit__(self, *problem: object) -> None:
        pass


@pytest.fixture
def run_stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """The function of the exported file that each task calls."""
    parts: dict[str, dict[str, Any]] = {
        "airflow.exceptions": {
            "AirflowException": AgainError,
            "AirflowFailException": OverError,
        },
        "airflow.providers.standard.operators.python": {
            "PythonOperator": SimpleNamespace
        },
        "airflow.sdk": {
            "DAG": lambda *words, **named: Dag(),
            "Param": lambda default, **named: default,
        },
    }
    for name, content in parts.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    written: dict[str, Any] = {}
    exec(export_text(find_exporter("airflow"), PLAN), written)
    assert written["stage_a"].op_args[2] == 2
    assert written["stage_a"].retries > 1
    before = signal.getsignal(signal.SIGTERM)
    yield written["run_stage"]
    signal.signal(signal.SIGTERM, before)


def called(
    run_stage: Callable[..., None], script: str, *, attempt: int = 1, **conf: int
) -> None:
    context = {
        "ti": SimpleNamespace(try_number=attempt),
        "params": {"count": 1, **conf},
    }
    dag_run = SimpleNamespace(conf=conf)
    run_stage(
        ["sh", "-c", script, "sh"],
        ["count"],
        2,
        run_id="a:b",
        dag_run=dag_run,
        **context,
    )


def test_a_command_gets_its_parameters_and_the_name_of_the_run(
    run_stage: Callable[..., None], tmp_path: Path
) -> None:
    script = f'echo "$JUPYTER_PIPE_COUNT $*" > {tmp_path}/told'
    called(run_stage, script, count=7)
    assert (tmp_path / "told").read_text() == "7 --run-id a-b --attempt 1\n"
    with pytest.raises(OverError, match="'nobody'"):
        called(run_stage, "exit 0", nobody=1)


@pytest.mark.parametrize(
    ("code", "attempt", "end"),
    [(1, 1, AgainError), (1, 2, OverError), (3, 1, OverError), (130, 2, OverError)],
)
def test_only_a_failure_is_worth_another_attempt(
    run_stage: Callable[..., None], code: int, attempt: int, end: type[Exception]
) -> None:
    with pytest.raises(end, match=f"Exit code {code}"):
        called(run_stage, f"exit {code}", attempt=attempt)


@contextmanager
def once_written(path: Path, number: signal.Signals) -> Iterator[None]:
    """A signal to this process as soon as the command has said who it is."""

    def send() -> None:
        while not (path.exists() and path.read_text()):
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    yield
    sender.join()


@pytest.mark.parametrize(("attempt", "end"), [(1, TimeLimit), (2, OverError)])
def test_a_time_limit_ends_the_command_and_spends_an_attempt(
    run_stage: Callable[..., None],
    tmp_path: Path,
    attempt: int,
    end: type[BaseException],
) -> None:
    def ring(*words: object) -> None:
        raise TimeLimit("too long")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with (
            pytest.raises(end, match="too long"),
            once_written(tmp_path / "pid", signal.SIGALRM),
        ):
            called(
                run_stage, f"echo $$ > {tmp_path}/pid; exec sleep 600", attempt=attempt
            )
    finally:
        signal.signal(signal.SIGALRM, before)
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_airflow_ends_a_task_and_with_it_the_command(
    run_stage: Callable[..., None], tmp_path: Path
) -> None:
    with (
        pytest.raises(AgainError, match="Exit code -15"),
        once_written(tmp_path / "pid", signal.SIGTERM),
    ):
        called(run_stage, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_a_task_that_ends_while_it_starts_its_command_leaves_none(
    run_stage: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **named: Any) -> None:
            super().__init__(*words, **named)
            started.append(self)
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(AgainError, match="Exit code -15"):
        called(run_stage, "exec sleep 600")
    assert started[0].returncode == -signal.SIGTERM


def is_gone(pid: int) -> bool:
    """Whether the process ends within some seconds; what is left of it is collected."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        try:
            os.waitpid(pid, os.WNOHANG)
            os.kill(pid, 0)
        except (ChildProcessError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False
