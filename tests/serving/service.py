"""A real service in processes of its own, and clients that never stop asking."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

__all__ = ["Client", "Running", "serving", "until"]

PATIENCE = 300.0
"""Seconds after which something that should happen counts as not happening."""


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, looked at again and again."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        pause.wait(0.05)


class Running:
    """A service that runs."""

    def __init__(self, process: subprocess.Popen[str], port: int, folder: Path) -> None:
        self.process = process
        self.port = port
        self.folder = folder

    def get(self, path: str) -> tuple[int, str]:
        """Status and body, over a connection of its own."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE
        )
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/ready")[0] == 200
        return False

    def counts(self) -> Counter[str]:
        """The totals of all metrics, over all labels; and of each, with its labels."""
        totals: Counter[str] = Counter()
        for line in self.get("/metrics")[1].splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                totals[name.partition("{")[0].removeprefix("jupyter_pipe_")] += int(
                    float(value)
                )
        return totals

    def is_written_down(self) -> bool:
        """Whether each answer is in the log or counted as lost. Lines are written
        behind a queue."""
        counts = self.counts()
        return (
            counts["answers_total"]
            == counts["log_lines_total"] + counts["log_lost_total"]
        )

    def workers(self) -> set[int]:
        """The processes that answer."""
        children = psutil.Process(self.process.pid).children()
        return {
            child.pid
            for child in children
            if any("processes.worker" in word for word in child.cmdline())
        }

    def end(self) -> int:
        """Ask it to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def serving(*arguments: str, folder: Path) -> Iterator[Running]:
    """A service of `jupyter pipe serve`, ready to answer."""
    command = [
        sys.executable,
        "-m",
        "jupyter_pipe.cli.main",
        "serve",
        *arguments,
        "--port",
        "0",
    ]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout
        port = int(process.stdout.readline().rpartition(":")[2])
        running = Running(process, port, folder)
        until(running.is_ready, "the service being ready")
        yield running
    finally:
        if process.poll() is None:
            running.end()
        assert process.stdout
        process.stdout.close()


class Client(threading.Thread):
    """Asks one request after the other over one connection, and takes a new one when
    that breaks.

    `answers` counts versions, `failures` has the worker that each failed request was
    sent to, None for one that had not answered on this connection before.
    """

    def __init__(
        self, port: int, row: dict[str, Any], expected: dict[str, float]
    ) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._body = json.dumps({"rows": [row]}).encode()
        self._expected = expected
        self._ended = threading.Event()
        self.answers: Counter[str] = Counter()
        self.wrong: list[object] = []
        self.failures: list[str | None] = []

    def end(self) -> None:
        self._ended.set()
        self.join(PATIENCE)

    def run(self) -> None:
        while not self._ended.is_set():
            connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=PATIENCE
            )
            worker: str | None = None
            try:
                # As fast as it can it would only take the workers' processors.
                while not self._ended.wait(0.005):
                    worker = self._ask(connection)
            except (OSError, http.client.HTTPException):
                self.failures.append(worker)
            finally:
                connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> str | None:
        connection.request("POST", "/score", self._body)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        version = said.get("version", str(answer.status))
        self.answers[version] += 1
        if answer.status != 200 or said["predictions"] != [self._expected[version]]:
            self.wrong.append(said)
        return answer.headers["X-Worker"]
