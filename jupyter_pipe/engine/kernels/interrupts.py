"""Signals that cancel a run: SIGINT and SIGTERM, caught while the run goes on.

Only the main thread of a process can catch signals; a run in another thread is
cancelled through its folder (`request_cancel`).
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

__all__ = ["can_catch_signals", "catch_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def can_catch_signals() -> bool:
    """Whether this thread is the one that gets them."""
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def catch_signals(tell: Callable[[str], None]) -> Iterator[None]:
    """Call `tell` with the signal's name for each one that comes; afterwards all is as
    before."""
    if not can_catch_signals():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        tell(signal.Signals(number).name)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
