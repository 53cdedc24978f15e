"""Where attempts run. An executor has three methods; the local one uses a thread for
each attempt.

A kernel belongs to the thread that started it (see `kernels`), so a thread lives as
long as its kernel does.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jupyter_pipe.engine.attempts.attempt import StageOutcome, StageWork, run_stage
from jupyter_pipe.engine.attempts.stopping import StopSignal
from jupyter_pipe.engine.scheduling.messages import (
    Message,
    StageBroke,
    StageEnded,
    StageStopped,
)
from jupyter_pipe.events import Event, FailureKind
from jupyter_pipe.runs.model import Failure

if TYPE_CHECKING:
    from jupyter_pipe.engine.kernels.forked import ForkedKernels
    from jupyter_pipe.engine.kernels.lifecycle import KernelSource

__all__ = ["Executor", "LocalExecutor", "outcome_message"]

Tell = Callable[[Message], None]
Report = Callable[[Event], None]


class Executor(Protocol):
    """What the runner needs of a place where stages run."""

    def submit(self, work: StageWork, tell: Tell, report: Report) -> None:
        """Start an attempt. `tell` is called once, when it has ended; `report` with its
        cells. Both may be called from any thread."""

    def cancel(self, stage: str, *, hard: bool) -> None:
        """End the running attempt at a stage; `hard` is at once."""

    def close(self) -> None:
        """End what still runs, at once, and give everything back."""


class LocalExecutor:
    """Attempts in threads of this process, each with a kernel of its own.

    `kernels` is `fork` for warm kernels where the system can, or `fresh`; `explain` is
    told why kernels are fresh although warm ones were asked for. `shared` forks for
    other runs as well, and goes on when this one has ended.
    """

    def __init__(
        self,
        kernels: str = "fork",
        explain: Callable[[str], None] = lambda reason: None,
        shared: ForkedKernels | None = None,
    ) -> None:
        self._kernels = kernels
        self._explain = explain
        self._shared = shared
        self._forked: ForkedKernels | None = None
        self._running: dict[str, tuple[threading.Thread, StopSignal]] = {}

    def submit(self, work: StageWork, tell: Tell, report: Report) -> None:
        """Start a thread for the attempt."""
        stop = StopSignal()
        thread = threading.Thread(
            target=_attempt,
            args=(work, tell, report, stop, self._source(work)),
            name=f"stage {work.stage}",
            daemon=True,
        )
        self._running[work.stage] = (thread, stop)
        thread.start()

    def _source(self, work: StageWork) -> KernelSource | None:
        if self._kernels == "fresh":
            return None
        if self._shared is not None:
            return self._shared
        if self._forked is None:
            from jupyter_pipe.engine.kernels.forked import ForkedKernels, can_fork
            from jupyter_pipe.engine.kernels.lifecycle import KernelRequest

            if not can_fork():
                self._kernels = "fresh"
                return None
            self._forked = ForkedKernels(self._explain)
            imports = work.pipeline.stage(work.stage).imports
            self._forked.prepare(
                KernelRequest(
                    work.pipeline.kernel_of(work.stage),
                    work.folder,
                    work.environment,
                    Path(os.devnull),
                    imports,
                    work.secrets,
                )
            )
        return self._forked

    def cancel(self, stage: str, *, hard: bool) -> None:
        """Ask the attempt to end."""
        if stage in self._running:
            self._running[stage][1].request(hard=hard)

    def close(self) -> None:
        """End all attempts and wait for their threads, and so for their kernels."""
        for _, stop in self._running.values():
            stop.request(hard=True)
        for thread, _ in self._running.values():
            thread.join()
        self._running.clear()
        if self._forked is not None:
            self._forked.close()


def _attempt(
    work: StageWork,
    tell: Tell,
    report: Report,
    stop: StopSignal,
    kernels: KernelSource | None,
) -> None:
    try:
        outcome = run_stage(work, report, stop, kernels)
    except BaseException as error:
        failure = Failure(
            type(error).__name__,
            str(error),
            kind=FailureKind.internal,
            traceback=_trace(error),
        )
        outcome = StageOutcome(0.0, failure=failure)
    tell(outcome_message(work, outcome))


def outcome_message(work: StageWork, outcome: StageOutcome) -> Message:
    """What the machine is told of an attempt that has ended."""
    if outcome.result is not None:
        return StageEnded(work.stage, work.attempt, outcome.result, outcome.seconds)
    if outcome.failure is not None:
        return StageBroke(
            work.stage, work.attempt, outcome.failure, outcome.seconds, outcome.observed
        )
    return StageStopped(work.stage, work.attempt, outcome.seconds)


def _trace(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(error))
