"""Processes that analyse notebooks, so that none can slow the server down, fill its
memory or end it.

`ask` blocks; each thread that calls it has one worker for as long. A worker that takes
too long is killed, and one that died is replaced. They end with the server: each holds
the other end of a pipe of ours.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from functools import lru_cache
from typing import IO

import msgspec
from msgspec import Struct

from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.errors import ErrorCode, PipeError
from jupyter_pipe.server.decoding import error_body
from jupyter_pipe.server.pipelines.frames import Reply, Task, read_frame, write_frame

__all__ = ["ANALYSES", "PAGES", "AnalysisPool", "Work", "the_pool"]

SECONDS = 90.0
"""For one request. The analysis bounds its own work; past this, something is wrong."""
MEMORY_BYTES = 2 << 30
"""For one worker. A tenth of it is used, threads reserve much of the rest."""
_WARM = 2
# A burst of requests ends less often than it pauses: starting a worker costs a second,
# keeping one memory.
_KEPT_SECONDS = 60.0
# Somebody may have killed a worker between two requests.
_TRIES = 2


class Work(Struct, frozen=True):
    """A kind of request: how many seconds it may take, and what is said where it cannot
    be answered. `slow`, `died` and `not_started` are messages, `hint` what helps
    against a death."""

    seconds: float
    slow: str
    died: str
    not_started: str
    hint: str
    slow_code: ErrorCode
    died_code: ErrorCode
    not_started_code: ErrorCode


ANALYSES = Work(
    seconds=SECONDS,
    slow="Analysing the notebook took longer than {:.0f} seconds, and was stopped.",
    died="The process that analysed the notebook died.",
    not_started="No process can be started that would analyse the notebook: {}.",
    hint="Splitting what it holds into smaller cells may help.",
    slow_code="analysis_slow",
    died_code="analysis_died",
    not_started_code="analysis_unavailable",
)
PAGES = Work(
    seconds=20.0,
    slow="What the page shows could not be read within {:.0f} seconds. A registry may be slow or away.",
    died="The process that read what the page shows died.",
    not_started="No process can be started that would read what the page shows: {}.",
    hint="Try again; the server's log may say why.",
    slow_code="operations_slow",
    died_code="operations_unavailable",
    not_started_code="operations_unavailable",
)


@lru_cache(maxsize=1)
def the_pool() -> AnalysisPool:
    """The one of this process."""
    return AnalysisPool()


class AnalysisPool:
    """As many workers as there are requests at a time; two of them are kept for good,
    the others for a minute. `seconds` limit a request, `memory_bytes` a worker."""

    def __init__(
        self, *, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._idle: list[_Worker] = []
        self._shrinking: threading.Timer | None = None
        self._lock = threading.Lock()

    def ask(self, task: Task, work: Work = ANALYSES) -> Reply:
        """The answer to a request, or the error that a worker's end is."""
        try:
            for _ in range(_TRIES):
                reply = self._ask_one(task, work)
                if reply is not None:
                    return reply
        except OSError as error:
            return _error(
                work.not_started_code, work.not_started.format(error.strerror or error)
            )
        return _error(work.died_code, work.died, hint=work.hint)

    def warm(self) -> None:
        """Start a worker before somebody asks, if none has been started."""
        with self._lock:
            if not self._idle:
                self._idle.append(self._started())

    def close(self) -> None:
        """End all workers that have nothing to do."""
        self._shrink(to=0)

    def _shrink(self, to: int = _WARM) -> None:
        """End those that were used longest ago, but for so many."""
        with self._lock:
            if self._shrinking is not None:
                self._shrinking.cancel()
                self._shrinking = None
            surplus = self._idle[: max(0, len(self._idle) - to)]
            del self._idle[: len(surplus)]
        for worker in surplus:
            worker.end()

    def _ask_one(self, task: Task, work: Work) -> Reply | None:
        """None if the worker has died of something else than our limit. Raises
        OSError."""
        worker = self._take()
        seconds = min(self._seconds, work.seconds)
        reply = worker.ask(task, seconds)
        if reply is None or reply.is_last:
            worker.end()
            self.warm()
        else:
            self._give_back(worker)
        return (
            _error(work.slow_code, work.slow.format(seconds))
            if worker.was_late
            else reply
        )

    def _take(self) -> _Worker:
        """The worker that was used last, whose memory is warm, or a new one."""
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive:
                    return worker
                worker.end()
        return self._started()

    def _started(self) -> _Worker:
        return _Worker(self._seconds, self._memory_bytes)

    def _give_back(self, worker: _Worker) -> None:
        with self._lock:
            self._idle.append(worker)
            if len(self._idle) > _WARM and self._shrinking is None:
                self._shrinking = threading.Timer(_KEPT_SECONDS, self._shrink)
                self._shrinking.daemon = True
                self._shrinking.start()


class _Worker:
    """One process, and the two pipes to it. Raises OSError if it cannot be started."""

    def __init__(self, seconds: float, memory_bytes: int) -> None:
        self.was_late = False
        self._process = subprocess.Popen(
            own_module(
                "jupyter_pipe.server.pipelines.worker", str(seconds), str(memory_bytes)
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # The terminal's Ctrl-C is for the server, which then ends us.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, task: Task, seconds: float) -> Reply | None:
        """None if it ends before it has answered, for which it has so many seconds."""
        alarm = threading.Timer(seconds, self._be_late)
        alarm.daemon = True
        alarm.start()
        try:
            write_frame(_pipe(self._process.stdin), task)
            return read_frame(_pipe(self._process.stdout), Reply)
        except (OSError, ValueError, msgspec.MsgspecError):
            return None
        finally:
            alarm.cancel()

    def end(self) -> None:
        """Kill it and forget it."""
        self._kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                _pipe(pipe).close()
            except OSError:  # what was still to be written to one that died
                continue

    def _be_late(self) -> None:
        self.was_late = True
        self._kill()

    def _kill(self) -> None:
        """The process with its fork, which is of its session."""
        if hasattr(os, "killpg") and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _error(code: ErrorCode, message: str, *, hint: str = "") -> Reply:
    error = PipeError(message, code=code, hint=hint)
    return Reply(error.http_status, msgspec.json.encode(error_body(error)))
