"""Our own doings are not observed, and what goes wrong while observing stays with
us."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Guard"]


class Guard:
    """`noted` is called after each note, if it is there. `failed` is told of exceptions
    while something was noted; the user's code never sees them."""

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self.noted: Callable[[], None] | None = None
        self._failed = failed
        self._thread = threading.local()

    def note(self, noting: Callable[..., Any], *args: Any) -> None:
        """Notes something, unless this thread is noting already."""
        thread = self._thread
        if getattr(thread, "busy", False):
            return
        thread.busy = True
        try:
            noting(*args)
            if self.noted is not None:
                self.noted()
        except Exception as error:
            self._failed(error)
        finally:
            thread.busy = False

    def guarded(self, noting: Callable[..., Any]) -> Callable[..., None]:
        """The same as a function of its arguments."""
        return functools.partial(self.note, noting)
