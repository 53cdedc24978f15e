"""The supervisor: binds the address, starts workers, starts again those that die, and
ends them in order.

It does no serving itself. What a dead worker had accepted and not answered, and
answered and not written down, is counted: workers count in files that outlive them.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from jupyter_pipe.errors import PipeError
from jupyter_pipe.serving.live.following import News
from jupyter_pipe.serving.settings import FOLDER_VARIABLE, Settings

__all__ = ["Supervisor", "bind"]

_SOON = 5.0
_MOST_FAILURES = 5
_LONGEST_PAUSE = 10.0
_BACKLOG = 2048
_WORKER = "jupyter_pipe.serving.processes.worker"


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises PipeError for an address that is taken, or not this
    machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", "") or str(error)
        raise PipeError(
            f"Cannot listen on {host}, port {port}: {why}.",
            code="address_unusable",
            hint="Choose another port (--port 0 takes a free one), or end what listens there.",
        ) from None
    return listening


@dataclass
class _Worker:
    slot: int
    process: subprocess.Popen[bytes]
    started: float
    is_live: bool = False


@dataclass
class _Slot:
    """One place for a worker: who has it, and how often it failed in a row without
    going live."""

    worker: _Worker | None = None
    failures: int = 0


@dataclass
class _Event:
    kind: str
    slot: int = -1
    news: News | None = None


class Supervisor:
    """`tell` hears what the first worker says of versions, and of workers that died."""

    def __init__(
        self,
        settings: Settings,
        listening: socket.socket,
        workers: int,
        tell: Callable[[str, str], None],
    ) -> None:
        self._settings = settings
        self._listening = listening
        self._slots = [_Slot() for _ in range(workers)]
        self._tell = tell
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._folder = Path(tempfile.mkdtemp(prefix="jupyter-pipe-serve-"))
        self._is_ending = False
        # Read by prometheus_client when it is imported, here and in the workers.
        os.environ[FOLDER_VARIABLE] = str(self._folder)
        from jupyter_pipe.serving.traffic.metrics import Metrics

        self._metrics = Metrics()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT. Returns 0, or 1 if workers cannot be
        started."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._events.put(_Event("signal")))
        try:
            for slot in range(len(self._slots)):
                self._start(slot)
            return self._watch()
        finally:
            self._end_workers()
            self._listening.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _watch(self) -> int:
        """Handles events until a signal comes (0) or workers cannot be kept alive
        (1)."""
        while True:
            event = self._events.get()
            if event.kind == "signal":
                self._end_workers()
                return 0
            if event.kind == "news" and event.news is not None:
                self._hear(event.slot, event.news)
            elif event.kind == "start":
                self._start(event.slot)
            elif event.kind == "died" and not self._bury(event.slot):
                self._tell(
                    "failed",
                    "Workers end as soon as they start; see what they said above.",
                )
                return 1

    # Workers

    def _start(self, slot: int) -> None:
        reading, writing = os.pipe()
        number = self._listening.fileno()
        # A caller's module may not shadow what the worker imports: it starts as a
        # module, in the same folder.
        process = subprocess.Popen(
            [sys.executable, "-m", _WORKER, str(number), str(writing)],
            stdin=subprocess.PIPE,
            pass_fds=(number, writing),
        )
        os.close(writing)
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(self._settings) + b"\n")
            process.stdin.flush()
        self._slots[slot].worker = _Worker(slot, process, time.monotonic())
        threading.Thread(
            target=self._listen, args=(slot, process, reading), daemon=True
        ).start()

    def _listen(
        self, slot: int, process: subprocess.Popen[bytes], reading: int
    ) -> None:
        """What a worker says, and that it has ended."""
        with os.fdopen(reading, "rb") as news:
            for line in news:
                self._events.put(
                    _Event("news", slot, msgspec.json.decode(line, type=News))
                )
        process.wait()
        self._events.put(_Event("died", slot))

    def _hear(self, slot: int, news: News) -> None:
        place = self._slots[slot]
        if place.worker is not None and news.kind == "live":
            place.worker.is_live = True
            place.failures = 0
        if slot == 0:
            took = f", after {news.seconds:.1f} s" if news.kind == "live" else ""
            self._tell(news.kind, f"{news.role}: {news.text}{took}")

    def _bury(self, slot: int) -> bool:
        """Count what a dead worker lost, and start another. False if that has failed
        too often."""
        place = self._slots[slot]
        worker, place.worker = place.worker, None
        if worker is None or self._is_ending:
            return True
        in_flight, unwritten = self._count_losses(worker)
        code = worker.process.returncode
        lost = f"{in_flight} requests in flight and {unwritten} lines of the log lost"
        self._tell(
            "died",
            f"worker {worker.process.pid} ended with {code}: {lost}; another one starts",
        )
        lasted = time.monotonic() - worker.started
        place.failures = 0 if worker.is_live or lasted > _SOON else place.failures + 1
        if place.failures >= _MOST_FAILURES:
            return False
        pause = min(_LONGEST_PAUSE, 0.2 * 2**place.failures) if place.failures else 0.0
        threading.Timer(pause, self._events.put, [_Event("start", slot)]).start()
        return True

    def _count_losses(self, worker: _Worker) -> tuple[int, int]:
        from prometheus_client.multiprocess import mark_process_dead

        from jupyter_pipe.serving.traffic.metrics import lost_with_worker

        pid = worker.process.pid
        in_flight, unwritten = lost_with_worker(self._folder, pid)
        if self._settings.log is None:
            unwritten = 0
        self._metrics.lost.inc(in_flight)
        self._metrics.log_lost.labels("worker").inc(unwritten)
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
        return in_flight, unwritten

    def _end_workers(self) -> None:
        """Ask all to end, wait for the requests in flight, then kill what is left."""
        self._is_ending = True
        alive = [slot.worker.process for slot in self._slots if slot.worker is not None]
        for process in alive:
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + self._settings.grace_seconds
        for process in alive:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
