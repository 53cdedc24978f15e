"""Scores requests in a thread of its own. What came in meanwhile is scored together,
where a proof allows it.

Nothing waits for company: the thread takes what is there. A request whose rows cannot
be scored fails alone.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import queue
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_pipe.scoring.columns import RowsError, checked_columns, rows_from_columns
from jupyter_pipe.scoring.scorer import plain_predictions
from jupyter_pipe.serving.judging import Remark, judge_columns
from jupyter_pipe.serving.live.models import Model

__all__ = ["Batcher", "Job", "Scored", "score_jobs"]

# A batch that is too long makes those in it wait for each other.
_MOST_ROWS = 2_000
_MOST_JOBS = 64


@dataclass(frozen=True)
class Scored:
    """What came of one request: a prediction a row, and remarks on rows; or why there
    is none."""

    predictions: list[Any] = field(default_factory=list)
    remarks: tuple[Remark, ...] = ()
    error: RowsError | None = None


@dataclass(eq=False)
class Job:
    """Rows that a version shall score. `answer` is set in `loop`."""

    model: Model
    rows: Sequence[dict[str, Any]]
    loop: asyncio.AbstractEventLoop | None = None
    answer: asyncio.Future[Scored] | None = None
    columns: dict[str, list[Any]] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    scored: Scored | None = None


class Batcher:
    """The thread. Started when it is made."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """The number of requests that nobody has looked at yet."""
        return self._jobs.qsize()

    async def score(self, model: Model, rows: Sequence[dict[str, Any]]) -> Scored:
        """The predictions of these rows."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Scored] = loop.create_future()
        self._jobs.put(Job(model, rows, loop, answer))
        return await answer

    def close(self) -> None:
        """End when all jobs are done."""
        # The end of the queue, as `_run` reads it.
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            jobs = [first, *self._further(len(first.rows))]
            try:
                score_jobs(jobs)
            except Exception:
                logging.getLogger(__name__).exception("Requests could not be scored.")
            for loop, done in itertools.groupby(jobs, key=lambda job: job.loop):
                if loop is not None:
                    # One wake-up for all of them.
                    loop.call_soon_threadsafe(_deliver, list(done))

    def _further(self, rows: int) -> Iterable[Job]:
        for _ in range(_MOST_JOBS - 1):
            if rows >= _MOST_ROWS or self._jobs.empty():
                return
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)  # the end comes after what is being done
                return
            rows += len(job.rows)
            yield job


def _deliver(jobs: list[Job]) -> None:
    for job in jobs:
        # A client that has gone has cancelled its answer.
        if job.answer is not None and not job.answer.done():
            if job.scored is None:
                job.answer.set_exception(RuntimeError("the rows were not scored"))
            else:
                job.answer.set_result(job.scored)


def score_jobs(jobs: Sequence[Job]) -> None:
    """Set `scored` of each job."""
    groups: dict[object, list[Job]] = {}
    for job in jobs:
        try:
            job.columns = checked_columns(job.rows, job.model.form)
            job.remarks = judge_columns(job.columns, job.model.manifest.contract)
        except RowsError as error:
            job.scored = Scored(error=error)
            continue
        groups.setdefault(_company(job), []).append(job)
    for group in groups.values():
        # Rows of others must never be the reason why a request fails.
        if len(group) == 1 or not _score_together(group):
            for job in group:
                job.scored = _score_alone(job)


def _company(job: Job) -> object:
    """Jobs with equal answers may be scored together: the same version, and rows that
    become columns of the same types, since numpy's whole numbers and booleans have no
    gaps."""
    if not job.model.joins:
        return id(job)
    kinds = {column.name: column.kind for column in job.model.form.columns}
    shape = tuple(
        (name, kinds[name] in ("integer", "boolean") and None in values)
        for name, values in job.columns.items()
    )
    return id(job.model), shape


def _score_together(group: Sequence[Job]) -> bool:
    """False if anything goes wrong: then each is scored alone, and only the one that is
    at fault fails."""
    model = group[0].model
    sizes = [len(job.rows) for job in group]
    columns = {
        name: list(itertools.chain.from_iterable(job.columns[name] for job in group))
        for name in group[0].columns
    }
    try:
        rows = rows_from_columns(columns, model.form, sum(sizes))
        predictions = plain_predictions(model.scorer.score(rows))
    except Exception:
        return False
    start = 0
    for job, size in zip(group, sizes, strict=True):
        job.scored = Scored(predictions[start : start + size], job.remarks)
        start += size
    return True


def _score_alone(job: Job) -> Scored:
    if not job.rows:
        return Scored()
    try:
        rows = rows_from_columns(job.columns, job.model.form, len(job.rows))
        return Scored(plain_predictions(job.model.scorer.score(rows)), job.remarks)
    except Exception as error:
        return Scored(error=_unscorable(job, error))


def _unscorable(job: Job, error: Exception) -> RowsError:
    if isinstance(error, RowsError) and error.row:
        return error
    # Rows are counted from 1 for people.
    row = 1 + _first_failing(job, 0, len(job.rows))
    return RowsError(
        f"Row {row} cannot be scored: {type(error).__name__}: {str(error)[:300]}",
        "The notebook's own code fails with this row: look for a value that it has never seen.",
        row=row,
        rule="code",
    )


def _first_failing(job: Job, start: int, end: int) -> int:
    """The place of a row that fails, found by halves; the first one if rows fail only
    together."""
    while end - start > 1:
        middle = (start + end) // 2
        if _fails(job, start, middle):
            end = middle
        elif _fails(job, middle, end):
            start = middle
        else:
            return start
    return start


def _fails(job: Job, start: int, end: int) -> bool:
    columns = {name: values[start:end] for name, values in job.columns.items()}
    try:
        job.model.scorer.score(rows_from_columns(columns, job.model.form, end - start))
    except Exception:
        return True
    return False
