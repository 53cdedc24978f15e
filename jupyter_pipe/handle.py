"""`RunHandle`: a run that was started here and goes on, to be asked, followed, awaited
and cancelled.

The run has a thread of its own; the handle reads what is written of it, as any other
process would.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from jupyter_pipe.events import Event, RunState

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.runs.model import Run
    from jupyter_pipe.runs.store import RunStore

__all__ = ["RunHandle", "start_run"]

_SECONDS_BETWEEN_LOOKS = 0.1


class RunHandle:
    """A run under way. `start` makes it; `run_id` names the run below `store`."""

    def __init__(self, request: RunRequest) -> None:
        self.store: RunStore = request.target.store
        self.run_id = request.run_id or self.store.next_run_id()
        self._request = replace(request, run_id=self.run_id)
        self._begun = threading.Event()
        self._error: BaseException | None = None
        # No daemon: a script that ends waits for its run instead of leaving it
        # interrupted.
        self._thread = threading.Thread(target=self._go, name=f"run {self.run_id}")

    def __repr__(self) -> str:
        return f"<RunHandle {self.run_id}: {self.state.value}>"

    @property
    def run(self) -> Run:
        """The run as it is now: stages, metrics, failures."""
        return self.store.read(self.run_id)

    @property
    def state(self) -> RunState:
        """`queued`, `running`, or how it ended."""
        return self.run.state

    def wait(self, timeout_seconds: float | None = None) -> Run:
        """The run when it is over. Raises TimeoutError, and what stopped the runner
        itself."""
        self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            raise TimeoutError(
                f"Run {self.run_id} still goes on after {timeout_seconds:g} s."
            )
        if self._error is not None:
            raise self._error
        return self.run

    def cancel(self) -> None:
        """End the run; `wait` returns when it has. Nothing happens if it is over
        already."""
        from jupyter_pipe.engine import request_cancel

        request_cancel(self.store, self.run_id, by="api")

    def follow(self) -> Iterator[Event]:
        """Everything that happens, from the beginning, as it comes; ends with the
        run."""
        seen = 0
        while True:
            # Asked before reading: what is logged between the two is read in the next
            # turn.
            over = not self._thread.is_alive()
            for event in self.store.events(self.run_id, seen):
                seen = event.seq
                yield event
            if over:
                return
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _repr_html_(self) -> str:
        return self.run._repr_html_()

    def _begin(self) -> None:
        """Start the thread, and wait for the run's first event or the error that comes
        instead."""
        self._thread.start()
        self._begun.wait()
        if self._error is not None:
            raise self._error

    def _go(self) -> None:
        from jupyter_pipe.engine import run_pipeline

        try:
            run_pipeline(self._request, observers=[lambda event: self._begun.set()])
        # Also KeyboardInterrupt: whoever waits in another thread must not wait for
        # ever.
        except BaseException as error:
            self._error = error
        finally:
            self._begun.set()


def start_run(request: RunRequest) -> RunHandle:
    """Run the request in a thread. Raises PipeError for what is wrong before the run
    exists."""
    handle = RunHandle(request)
    handle._begin()
    return handle
