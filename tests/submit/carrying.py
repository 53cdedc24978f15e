"""The tasks of a run, carried out on this machine in the order of their graph, as a
cluster would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

__all__ = ["Carrying", "Task"]


class Task(Struct):
    """`words` gives the command of each attempt, from 1; `again` says whether another
    one follows an exit code. `environment` is added to that of the tests."""

    words: Callable[[int], list[str]]
    after: list[str]
    environment: dict[str, str]
    again: Callable[[int, int], bool] = lambda code, attempt: False


class Carrying:
    """States are `waiting`, `running`, `succeeded`, `failed`, `omitted` (something
    before it failed) and `cancelled`."""

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        self.states = dict.fromkeys(tasks, "waiting")
        self.attempts = dict.fromkeys(tasks, 0)
        self._tasks = tasks
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._is_ended = False
        self._thread = threading.Thread(target=self._carry_out)
        self._thread.start()

    def state(self) -> str:
        """Of all of them."""
        found = set(self.states.values())
        if found & {"waiting", "running"}:
            return "running"
        return next(
            (each for each in ("cancelled", "failed") if each in found), "succeeded"
        )

    def terminate(self) -> None:
        """End what runs as a cluster does; nothing else begins."""
        self._is_ended = True

    def close(self) -> None:
        """Wait until nothing runs any more."""
        self.terminate()
        self._thread.join()

    def _carry_out(self) -> None:
        is_told = False
        while self.state() == "running":
            for name in self.states:
                self._step(name)
            if self._is_ended and not is_told:
                is_told = True
                for process in self._running.values():
                    process.send_signal(signal.SIGTERM)
            time.sleep(0.05)

    def _step(self, name: str) -> None:
        before = [self.states[each] for each in self._tasks[name].after]
        if self.states[name] == "waiting":
            if self._is_ended:
                self.states[name] = "cancelled"
            elif set(before) & {"failed", "omitted"}:
                self.states[name] = "omitted"
            elif set(before) <= {"succeeded"}:
                self._begin(name)
        elif self.states[name] == "running":
            self._end(name, self._running[name].poll())

    def _begin(self, name: str) -> None:
        self.attempts[name] += 1
        task = self._tasks[name]
        program, *words = task.words(self.attempts[name])
        if program == "jupyter-pipe":
            program = str(Path(sys.executable).with_name(program))
        self._running[name] = subprocess.Popen(
            [program, *words], env={**os.environ, **task.environment}
        )
        self.states[name] = "running"

    def _end(self, name: str, code: int | None) -> None:
        if code is None:
            return
        if self._is_ended:
            self.states[name] = "cancelled"
        elif code == 0:
            self.states[name] = "succeeded"
        elif self._tasks[name].again(code, self.attempts[name]):
            self._begin(name)
        else:
            self.states[name] = "failed"
