"""A real service under clients that never stop: swaps, a false version, an absent
source, a killed worker."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from .bundles import built, falsify, make_deadly, write_version
from .service import PATIENCE, Client, serving, until

pytestmark = pytest.mark.processes

ROW = {"area": 70.5, "rooms": 3, "district": "North", "name": "H1"}


def lines(folder: Path) -> int:
    """The lines of the request log on disk."""
    logs = (folder / ".jupyter_pipe" / "serving" / "homes" / "log").glob("*.sqlite")
    return sum(
        sqlite3.connect(path).execute("SELECT count(*) FROM answers").fetchone()[0]
        for path in logs
    )


def test_no_request_fails_but_those_in_a_worker_that_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "homes"
    write_version(folder, 1)
    expected = {
        f"run-{n}": float(built(n).scorer.score_records([ROW])[0]) for n in (1, 2, 3)
    }
    with serving("homes", "--workers", "2", folder=tmp_path) as running:
        clients = [Client(running.port, ROW, expected) for _ in range(4)]
        for client in clients:
            client.start()

        def seen(version: str) -> bool:
            return all(client.answers[version] > 3 for client in clients)

        def told(text: str) -> bool:
            return text in (tmp_path / "serve.log").read_text()

        until(lambda: seen("run-1"), "answers of version 1")
        write_version(folder, 2)
        until(lambda: seen("run-2"), "answers of version 2")
        workers = running.workers()
        make_deadly(folder)
        until(
            lambda: told("loading it ends the process (SIGSEGV)"),
            "the refusal of a version that crashes",
        )
        assert running.workers() == workers
        write_version(folder, 2)
        falsify(folder)
        until(lambda: told("golden rows get"), "the refusal of a false version")
        folder.rename(tmp_path / "away")
        until(lambda: told("cannot be read"), "the source being away")
        killed = json.loads(running.get("/status")[1])["worker"]
        os.kill(killed, signal.SIGKILL)
        until(lambda: told("another one starts"), "the worker being missed")
        (tmp_path / "away").rename(folder)
        write_version(folder, 3)
        until(lambda: seen("run-3"), "answers of version 3")
        for client in clients:
            client.end()
        until(running.is_written_down, "the log being written")
        counts = running.counts()
        assert running.end() == 0
    assert [client.wrong for client in clients] == [[]] * 4
    failures = [worker for client in clients for worker in client.failures]
    assert set(failures) <= {str(killed), None}
    assert len(failures) <= len(clients)
    answers = sum(sum(client.answers.values()) for client in clients)
    # A request in flight may have been answered just before its worker could count
    # that, and what was counted may not have reached the client: a connection that a
    # kill resets drops what is on its way.
    least, most = answers - counts["lost_requests_total"], answers + len(failures)
    assert least <= counts["answers_total"] <= most
    assert counts["log_lines_total"] <= lines(tmp_path) <= counts["answers_total"]
    # Each version went live in a worker at least; a worker that is slow may have passed
    # over one.
    assert counts["swaps_total"] >= 3
    assert counts["refused_versions_total"] >= 1


def test_requests_in_flight_are_answered_and_written_down_before_the_end(
    tmp_path: Path,
) -> None:
    write_version(tmp_path / "homes", 1)
    body = json.dumps({"rows": [ROW] * 3000}).encode()

    def ask(port: int) -> tuple[int, int]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("POST", "/score", body)
        answer = connection.getresponse()
        return answer.status, len(json.loads(answer.read())["predictions"])

    with (
        serving("homes", folder=tmp_path) as running,
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):
        asked = [pool.submit(ask, running.port) for _ in range(8)]
        until(
            lambda: running.counts()["accepted_total"] == 8, "the requests being read"
        )
        assert running.end() == 0
        assert [each.result() for each in asked] == [(200, 3000)] * 8
    assert lines(tmp_path) == 8
