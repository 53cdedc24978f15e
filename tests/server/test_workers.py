"""Notebooks are analysed in processes that may die: of their limits, of a signal, with
the server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import pytest

from jupyter_pipe.server.payloads import CheckAnswer
from jupyter_pipe.server.pipelines import worker
from jupyter_pipe.server.pipelines.frames import Reply, Task
from jupyter_pipe.server.pipelines.pool import AnalysisPool
from jupyter_pipe.server.pipelines.service import PipelineService
from tests.server.conftest import notebook_json
from tests.server.real import write_json

pytestmark = pytest.mark.server
# A server that is killed while its worker waits, or works.
SERVER = """
import os, signal, sys
from jupyter_pipe.server.pipelines.frames import Task, write_frame
from jupyter_pipe.server.pipelines.pool import AnalysisPool
pool = AnalysisPool()
pool.warm()
process = pool._idle[0]._process
if sys.argv[2] == "works":
    write_frame(process.stdin, Task("check", sys.argv[1], b'{"notebook": "slow.ipynb"}'))
print(process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def pool() -> Iterator[AnalysisPool]:
    made = AnalysisPool()
    yield made
    made.close()


@pytest.fixture
def check(tmp_path: Path) -> Task:
    write_json(tmp_path / "flow.ipynb", notebook_json(("x = 1", "stage:a")))
    return Task("check", str(tmp_path), b'{"notebook": "flow.ipynb"}')


def code_of(reply: Reply) -> str:
    return str(json.loads(reply.body)["code"])


def test_one_worker_answers_one_request_after_the_other(
    pool: AnalysisPool, check: Task
) -> None:
    first = pool.ask(check)
    pid = pool._idle[0].pid
    assert first == pool.ask(check)
    assert first.status == 200
    assert [each.pid for each in pool._idle] == [pid]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_worker_that_was_killed_is_replaced(
    pool: AnalysisPool, check: Task, number: int
) -> None:
    pool.warm()
    os.kill(pool._idle[0].pid, number)
    assert pool.ask(check).status == 200


def test_a_request_that_takes_too_long_is_ended_with_its_worker(check: Task) -> None:
    pool = AnalysisPool(seconds=0.001)
    pool.warm()
    pid = pool._idle[0].pid
    reply = pool.ask(check)
    pool.close()
    assert (reply.status, code_of(reply)) == (422, "analysis_slow")
    assert not psutil.pid_exists(pid)


def test_a_request_that_takes_too_much_memory_is_refused(check: Task) -> None:
    pool = AnalysisPool(memory_bytes=448 << 20)
    body = (
        b'{"notebook": "flow.ipynb", "content": {"cells": ['
        + b'{"a":1},' * (1 << 21)
        + b"0]}}"
    )
    reply = pool.ask(Task("check", check.root, body))
    assert (reply.status, code_of(reply)) == (422, "analysis_memory"), reply
    assert pool.ask(check).status == 200
    pool.close()


def test_a_fork_that_is_spent_is_followed_by_another(check: Task) -> None:
    pool = AnalysisPool()
    first = answering(pool, check)
    # Half a gigabyte, of which the process keeps more than a worker may.
    body = (
        b'{"notebook": "flow.ipynb", "content": {"cells": ['
        + b'{"a":1},' * (1 << 21)
        + b"0]}}"
    )
    assert not pool.ask(Task("check", check.root, body)).is_last
    second = answering(pool, check)
    assert second == answering(pool, check)
    assert second[0] == first[0]
    assert second[1] != first[1]
    pool.close()


def answering(pool: AnalysisPool, check: Task) -> tuple[int, int]:
    """The pids of the worker that answers, and of its fork."""
    assert pool.ask(check).status == 200
    (worker,) = pool._idle
    (fork,) = psutil.Process(worker.pid).children()
    return worker.pid, fork.pid


def test_workers_of_a_burst_are_kept_for_a_while(check: Task) -> None:
    pool = AnalysisPool()
    with ThreadPoolExecutor(4) as threads:
        assert {reply.status for reply in threads.map(pool.ask, [check] * 8)} == {200}
    pids = [each.pid for each in pool._idle]
    pool._shrink()
    assert [each.pid for each in pool._idle] == pids[-2:]
    assert not any(psutil.pid_exists(pid) for pid in pids[:-2])
    pool.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_where_no_process_starts_the_request_is_refused(
    check: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    reply = AnalysisPool().ask(check)
    assert (reply.status, code_of(reply)) == (503, "analysis_unavailable")


def test_a_notebook_that_kills_every_worker_is_given_up(
    check: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    reply = AnalysisPool().ask(check)
    assert (reply.status, code_of(reply)) == (422, "analysis_died")


@pytest.mark.parametrize("kind", ["check", "compile", "plan", "suggest"])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b'{"notebook": 1}', b'{"notebook": "no.ipynb"}']
)
def test_what_does_not_fit_is_refused(tmp_path: Path, kind: str, body: bytes) -> None:
    reply = worker.answer(Task(kind, str(tmp_path), body))
    assert 400 <= reply.status < 500
    assert not reply.defect


@pytest.mark.parametrize(
    "error", [KeyError("x"), RecursionError(), SystemExit(), KeyboardInterrupt()]
)
def test_a_defect_is_told_and_not_passed_on(
    check: Task, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(self: PipelineService, request: Any) -> CheckAnswer:
        raise error

    monkeypatch.setattr(PipelineService, "check", fail)
    reply = worker.answer(check)
    assert (reply.status, reply.body) == (500, b"")
    assert type(error).__name__ in reply.defect


@pytest.mark.parametrize("state", ["waits", "works"])
def test_a_worker_ends_with_its_server(tmp_path: Path, state: str) -> None:
    # Work without end, as far as this test can tell: the worker's alarm is minutes
    # away.
    cells = [
        (f"x{number} = [x{max(number - 1, 0)}]", f"stage:s{number}")
        for number in range(3000)
    ]
    write_json(tmp_path / "slow.ipynb", notebook_json(*cells))
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path), state],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    server.kill()
    server.communicate()
    wait_until(
        lambda: (
            not psutil.pid_exists(pid)
            or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        )
    )


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = monotonic() + 180
    while not is_so():
        assert monotonic() < deadline
        sleep(0.02)
