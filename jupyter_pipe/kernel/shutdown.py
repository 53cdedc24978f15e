"""Lets a kernel end at once: ipykernel may wait for itself, ten seconds long.

At exit it stops the thread that publishes outputs before the one that was asked to shut
down, and that one, if it is not done yet, waits for its last outputs to be published.
"""

from __future__ import annotations

import atexit
import contextlib
from typing import Any

__all__ = ["leave_in_order"]

_SECONDS = 2.0


def leave_in_order(kernel: Any) -> None:
    """At exit, end the control thread first. Handlers run last in, first out:
    ipykernel's own comes later."""
    thread = getattr(kernel, "control_thread", None)
    if thread is not None:
        atexit.register(_end, thread)


def _end(thread: Any) -> None:
    with contextlib.suppress(RuntimeError):  # its loop is closed already
        thread.stop()
    thread.join(_SECONDS)
