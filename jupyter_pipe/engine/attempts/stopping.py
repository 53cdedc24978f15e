"""Tells a stage's thread, from any other, that it should end."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["StopSignal"]


class StopSignal:
    """Asked for once, or a second time with `hard`, which means at once.
    Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listener: Callable[[bool], None] | None = None
        self._asked: list[bool] = []

    @property
    def is_set(self) -> bool:
        return bool(self._asked)

    def request(self, *, hard: bool = False) -> None:
        """Ask the stage to end."""
        with self._lock:
            self._asked.append(hard)
            listener = self._listener
        if listener is not None:
            listener(hard)

    def listen(self, listener: Callable[[bool], None] | None) -> None:
        """Who is told: of what was asked before as well. None stops listening."""
        with self._lock:
            self._listener = listener
            asked = list(self._asked)
        if listener is not None:
            for hard in asked:
                listener(hard)
