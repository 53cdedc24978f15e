"""Attempts on the workers of a Dask cluster: one that is there, or one of this machine
for the run.

Workers must be able to import jupyter_pipe. They see the same folders as the runner
(the run's, the package's and the working directory), or nothing but the URL of the
run's root, where it has one (see `far`). Only small messages travel through Dask. An
attempt whose worker was killed fails
as `worker_lost` and is made anew by the machine, in a folder of its own; Dask's own
second try of it does nothing. Raises ExtraMissingError and RunError.
"""

from __future__ import annotations

import contextlib
import importlib
import uuid
from collections.abc import Callable
from typing import Any

import msgspec

import jupyter_pipe
from jupyter_pipe.engine.attempts.attempt import (
    StageOutcome,
    StageWork,
    run_stage,
    stage_notebook,
    write_context,
)
from jupyter_pipe.engine.attempts.executors import Report, Tell, outcome_message
from jupyter_pipe.engine.dask.cluster import OwnCluster
from jupyter_pipe.engine.dask.placement import Placement, place
from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.engine.remote.attempts import (
    FarOutcome,
    FarWork,
    bring_home,
    run_far_stage,
    send_off,
)
from jupyter_pipe.engine.remote.claims import ask_to_stop, follow_stop, marks_of
from jupyter_pipe.errors import ExtraMissingError, PipeError, RunError
from jupyter_pipe.events import Event, FailureKind, decode_event, encode_event
from jupyter_pipe.runs.model import Failure

__all__ = ["DaskExecutor"]

_CONNECT_SECONDS = 120
_CLOSE_SECONDS = 15.0
_LOST = Failure(
    "WorkerLost",
    "The Dask worker that ran the stage is gone.",
    kind=FailureKind.worker_lost,
    hint="See its log.",
)
_outcome_decoder = msgspec.msgpack.Decoder(FarOutcome)
_order_decoder = msgspec.msgpack.Decoder(FarWork)


class DaskExecutor:
    """`scheduler` is the address of a cluster; without one, `workers` processes are
    started here."""

    def __init__(self, scheduler: str | None, workers: int) -> None:
        self._cluster, self._client = _connect(scheduler, workers)
        self._running: dict[str, tuple[StageWork, Any]] = {}
        self._reports: list[Report] = []
        self._topic = f"jupyter_pipe-{uuid.uuid4().hex}"
        try:
            _check_workers(self._client, started_here=0 if scheduler else workers)
            self._client.subscribe_topic(self._topic, self._heard)
        except BaseException:
            self._disconnect()
            raise

    def submit(self, work: StageWork, tell: Tell, report: Report) -> None:
        """Hand the attempt to the cluster."""
        self._reports = [report]
        where = self._place(work)
        if where.problem:
            tell(
                outcome_message(
                    work, StageOutcome(0.0, failure=_unplaced(where.problem))
                )
            )
            return
        try:
            order = send_off(work) if work.url else FarWork(work)
        except (PipeError, OSError) as error:
            tell(outcome_message(work, _unsent(error)))
            return
        future = self._client.submit(
            _run_on_worker,
            msgspec.msgpack.encode(order),
            self._topic,
            key=f"{work.run_id}-{work.stage}-{work.attempt}",
            pure=False,
            retries=0,
            resources=where.resources or None,
            workers=where.workers,
        )
        self._running[work.stage] = work, future
        future.add_done_callback(
            lambda done: tell(outcome_message(work, _outcome_of(done, work)))
        )

    def _place(self, work: StageWork) -> Placement:
        """Workers of a cluster of ours are all alike, and the run's own capacity counts
        for them."""
        if self._cluster is not None:
            return Placement()
        found = self._client.scheduler_info(n_workers=-1)["workers"]
        return place(work.pipeline.stage(work.stage).options, found)

    def cancel(self, stage: str, *, hard: bool) -> None:
        """Leave word where the attempt's worker looks."""
        if stage in self._running:
            _ask_to_stop(self._running[stage][0], hard=hard)

    def close(self) -> None:
        """End what still runs, and the cluster if it is ours."""
        pending = [
            (work, future)
            for work, future in self._running.values()
            if not future.done()
        ]
        for work, _ in pending:
            _ask_to_stop(work, hard=True)
        with contextlib.suppress(Exception):
            _distributed().wait(
                [future for _, future in pending], timeout=_CLOSE_SECONDS
            )
        self._disconnect()

    def _heard(self, message: tuple[float, str]) -> None:
        for report in self._reports:
            report(decode_event(message[1].encode()))

    def _disconnect(self) -> None:
        self._client.close(timeout=_CLOSE_SECONDS)
        if self._cluster is not None:
            self._cluster.close()


def _connect(scheduler: str | None, workers: int) -> tuple[OwnCluster | None, Any]:
    """The cluster, if it is ours, and a client."""
    distributed = _distributed()
    try:
        if scheduler is not None:
            return None, distributed.Client(
                scheduler, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        # Not in this process: its workers would import the program that is running.
        cluster = OwnCluster(workers)
        return cluster, distributed.Client(
            cluster.address, timeout=_CONNECT_SECONDS, set_as_default=False
        )
    except (OSError, TimeoutError) as error:
        raise RunError(
            f"No Dask scheduler answers at {scheduler or 'this machine'}: {error}",
            code="dask_unreachable",
            hint="Give its address with --scheduler tcp://HOST:8786, or leave it out.",
        ) from error


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError:
        raise ExtraMissingError("--executor dask", "dask") from None


def _check_workers(client: Any, *, started_here: int) -> None:
    """Every worker must have our code. Asked through `eval`, which each of them has."""
    try:
        client.wait_for_workers(max(started_here, 1), timeout=_CONNECT_SECONDS)
    except TimeoutError:
        raise RunError(
            f"No worker has come to the Dask scheduler within {_CONNECT_SECONDS} seconds.",
            code="dask_unreachable",
            hint="Start one with: dask worker ADDRESS. On a machine that is very busy, run it again later.",
        ) from None
    found = client.run(
        eval, "__import__('jupyter_pipe').__version__", on_error="return"
    )
    for worker, version in found.items():
        if version != jupyter_pipe.__version__:
            problem = (
                f"has jupyter_pipe {version}"
                if isinstance(version, str)
                else f"lacks it: {version}"
            )
            raise RunError(
                f"The Dask worker {worker} cannot run stages: it {problem}.",
                code="dask_worker_unprepared",
                hint=f"Install jupyter_pipe {jupyter_pipe.__version__} where the workers run.",
            )


def _outcome_of(future: Any, work: StageWork) -> StageOutcome:
    """How an attempt ended, as far as Dask knows, with what it left brought here."""
    if future.status == "finished":
        done = _outcome_decoder.decode(future.result())
        try:
            if work.url:
                return bring_home(work, done)
            _sign_context(work)
            return done.outcome
        except (PipeError, OSError) as error:
            return _unsent(error)
    raised = future.exception() if future.status == "error" else None
    if raised is None or type(raised).__name__ == "KilledWorker":
        return StageOutcome(0.0, failure=_LOST)
    return StageOutcome(
        0.0,
        failure=Failure(type(raised).__name__, str(raised), kind=FailureKind.worker),
    )


def _sign_context(work: StageWork) -> None:
    """The worker wrote what the kernel was given, and may sign with another key than
    ours."""
    with contextlib.suppress(StageFailure):
        write_context(work, stage_notebook(work))


def _unplaced(problem: str) -> Failure:
    hint = "Start one that does, such as: dask worker ADDRESS --resources GPU=1, or lower the stage's tags."
    return Failure("NoWorker", problem, kind=FailureKind.no_worker, hint=hint)


def _unsent(error: PipeError | OSError) -> StageOutcome:
    """What the attempt needs, or leaves, could not be moved."""
    hint = error.hint if isinstance(error, PipeError) else ""
    return StageOutcome(
        0.0,
        failure=Failure(
            type(error).__name__, str(error), kind=FailureKind.worker, hint=hint
        ),
    )


def _ask_to_stop(work: StageWork, *, hard: bool) -> None:
    with contextlib.suppress(OSError, PipeError):
        ask_to_stop(marks_of(work), hard=hard)


# On the worker


def _run_on_worker(data: bytes, topic: str) -> bytes:
    worker = _distributed().get_worker()

    def report(event: Event) -> None:
        worker.log_event(topic, encode_event(event).decode().rstrip("\n"))

    return msgspec.msgpack.encode(_run_once(_order_decoder.decode(data), report))


def _run_once(order: FarWork, report: Callable[[Event], None]) -> FarOutcome:
    """Run the attempt, unless an earlier worker began it and was killed."""
    marks = marks_of(order.work)
    if not marks.leave("claimed"):
        return FarOutcome(StageOutcome(0.0, failure=_LOST))
    with follow_stop(marks) as stop:
        if order.work.url:
            return run_far_stage(order, report, stop)
        return FarOutcome(run_stage(order.work, report, stop))
