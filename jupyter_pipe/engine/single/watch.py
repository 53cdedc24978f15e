"""Looks after a stage while it runs: keeps the run's log up to date, ends the stage
when told to."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType

from jupyter_pipe.engine.attempts.stopping import StopSignal
from jupyter_pipe.errors import RunError
from jupyter_pipe.runs.shared.gathering import SharedRun
from jupyter_pipe.runs.store import RunFolder

__all__ = ["Watch"]

_SECONDS_BETWEEN_LOOKS = 0.5
# Who followed a submitted run to its engine has the engine end it. A stage that ends
# before the engine was told makes the run a failed one there: Prefect says "Failed:
# StageError" instead of "Cancelled". An engine that does not answer is not waited for.
_SECONDS_FOR_ITS_ENGINE = 20.0


class Watch:
    """A thread, for as long as the context lasts. `look` is called in it, time and
    again."""

    def __init__(
        self,
        shared: SharedRun,
        folder: RunFolder,
        stop: StopSignal,
        look: Callable[[], None],
    ) -> None:
        self._shared = shared
        self._folder = folder
        self._stop = stop
        self._look = look
        self._began = time.time()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        while True:
            # What cannot be gathered now is gathered later, at the latest when the
            # stage has ended.
            with contextlib.suppress(RunError, OSError):
                self._shared.gather()
            self._look()
            if self._is_cancelled():
                self._stop.request()
            if self._over.wait(_SECONDS_BETWEEN_LOOKS):
                return

    def _is_cancelled(self) -> bool:
        """Whether somebody asked the run to end since this stage began: an earlier
        request was for others."""
        try:
            asked = self._folder.cancel.stat().st_mtime
        except OSError:
            return False
        grace = _SECONDS_FOR_ITS_ENGINE if self._folder.submitted.exists() else 0.0
        return asked >= self._began and time.time() - asked >= grace
