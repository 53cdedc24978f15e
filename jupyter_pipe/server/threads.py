"""Threads that do what would block the server's loop, and that never hold up its end.

`ThreadPoolExecutor` joins its threads when the interpreter ends, so a server that was
told to stop would wait for a long compilation. What runs here may be cut off at any
point, like a process that is killed: files are replaced whole, and runs are processes
of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

__all__ = ["DaemonExecutor"]

P = ParamSpec("P")
T = TypeVar("T")
_Call = Callable[[], None]


class DaemonExecutor(Executor):
    """Up to `threads` calls at a time, the others in the order of their coming."""

    def __init__(self, threads: int, name: str) -> None:
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._go_on, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Call `fn` in one of the threads."""
        future: Future[T] = Future()

        def call() -> None:
            # Whoever asked has gone meanwhile.
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # whatever it is, it belongs to who asked
                future.set_exception(error)

        self._calls.put(call)
        return future

    def _go_on(self) -> None:
        while True:
            self._calls.get()()
