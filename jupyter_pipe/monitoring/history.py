"""How far each column was from the run that made its model, over time. Pure but for
what `find` reads.

A window of the request log is cut into batches of about as many rows, each of one
version; every batch is compared as `watching` compares the whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from msgspec import Struct

from jupyter_pipe.contracts import Drift
from jupyter_pipe.monitoring.statistics import LEAST_ROWS
from jupyter_pipe.monitoring.watching import (
    Find,
    Limits,
    compare_rows,
    ignored_columns,
    why_not_compared,
)
from jupyter_pipe.monitoring.window import predicted, rows_in
from jupyter_pipe.serving.traffic.reading import LogWindow
from jupyter_pipe.serving.traffic.records import Answered

__all__ = ["MOST_MOMENTS", "Moment", "moments"]

MOST_MOMENTS = 24
_MOST_ROWS = 50_000


class Moment(Struct, frozen=True):
    """One batch: its time, in UTC seconds since 1970, the version that answered, and
    its rows. `indices` are the stability indices of columns and predictions against the
    run of that version, `moved` those that count as moved, `middle` is the median of
    predictions that are numbers."""

    since: float
    until: float
    version: str
    rows: int
    indices: dict[str, float]
    moved: tuple[str, ...] = ()
    middle: float | None = None


def moments(
    log: LogWindow, find: Find, limits: Limits | None = None
) -> tuple[Moment, ...]:
    """The newest 50,000 rows in at most 24 batches or so, oldest first. A batch of
    fewer than 30 rows, or of a version whose bundle is not at hand, is left out."""
    answers = _newest([each for each in predicted(log.answers) if each.digest])
    rows = rows_in(answers)
    # Rounded up: otherwise there would be a batch too many.
    size = max(LEAST_ROWS, -(-rows // MOST_MOMENTS))
    made = (
        _moment(batch, log.masked, find, limits or Limits())
        for batch in _batches(answers, size)
    )
    return tuple(filter(None, made))


def _newest(answers: Sequence[Answered]) -> list[Answered]:
    sizes = (len(answer.predictions) for answer in reversed(answers))
    # The rows of the newest answer, of the newest two, and so on: never falling.
    kept = bisect_right([*accumulate(sizes)], _MOST_ROWS)
    return list(answers[len(answers) - kept :])


def _batches(answers: Sequence[Answered], size: int) -> list[list[Answered]]:
    """Cut where enough rows have come together, and where another version answers. The
    newest rows, if they are too few to be compared, go with those before them."""
    batches: list[list[Answered]] = []
    rows = 0
    for answer in answers:
        if not batches or rows >= size or answer.digest != batches[-1][0].digest:
            batches.append([])
            rows = 0
        batches[-1].append(answer)
        rows += len(answer.predictions)
    if (
        len(batches) > 1
        and rows < LEAST_ROWS
        and batches[-2][0].digest == batches[-1][0].digest
    ):
        newest = batches.pop()
        batches[-1] += newest
    return batches


def _moment(
    batch: Sequence[Answered], masked: Sequence[str], find: Find, limits: Limits
) -> Moment | None:
    """What is said of one batch, None if nothing can be."""
    manifest = find(batch[0].digest)
    rows = rows_in(batch)
    if manifest is None or why_not_compared(manifest, rows):
        return None
    columns, predictions, _ = compare_rows(
        batch, manifest, {*masked, *ignored_columns(manifest, limits)}
    )
    both = (*predictions.columns, *columns.columns)
    return Moment(
        since=batch[0].at,
        until=batch[-1].at,
        version=batch[0].version,
        rows=rows,
        indices={each.name: each.index for each in both if each.index is not None},
        moved=tuple(each.name for each in (*predictions.moved, *columns.moved)),
        middle=_middle(predictions),
    )


def _middle(predictions: Drift) -> float | None:
    after = predictions.columns[0].after if predictions.columns else None
    if after is None or not after.quantiles:
        return None
    return after.quantiles[len(after.quantiles) // 2]
