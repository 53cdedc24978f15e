"""From lines of the request log to profiles of rows and predictions. Pure.

Rows are made as the notebook has them, column by column, so that their profiles can be
compared. A column that cannot be made, such as one that the log holds hashed, is left
out.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from msgspec.structs import replace

from jupyter_pipe.artifacts.profile_record import Profile
from jupyter_pipe.artifacts.profiling import profile_value
from jupyter_pipe.monitoring.model import Traffic
from jupyter_pipe.scoring.columns import (
    Column,
    RowsError,
    RowsForm,
    checked_columns,
    rows_from_columns,
)
from jupyter_pipe.serving.traffic.records import Answered

__all__ = [
    "predicted",
    "predictions_profile",
    "renamed",
    "rows_in",
    "rows_profile",
    "traffic_of",
]

# More rows would sharpen no quantile that anybody looks at, and take memory.
_MOST_ROWS = 100_000


def traffic_of(answers: Sequence[Answered]) -> Traffic:
    """Counts of the answers of one version."""
    # Other problems, such as a body that is not JSON, say nothing of a column.
    problems = [each.problem for each in answers if each.problem and each.problem.rule]
    where = Counter(
        f"{problem.column or 'any column'}: {problem.rule}" for problem in problems
    )
    told = dict(where.most_common())
    return Traffic(len(answers), rows_in(answers), len(problems), told)


def rows_in(answers: Iterable[Answered]) -> int:
    """How many rows got a prediction."""
    return sum(len(each.predictions) for each in answers)


def rows_profile(answers: Sequence[Answered], form: RowsForm) -> Profile:
    """What the rows that got a prediction looked like, the newest 100,000. Optional
    columns count if at least half of the rows have them."""
    rows = [*chain.from_iterable(answer.rows for answer in predicted(answers))]
    rows = rows[-_MOST_ROWS:]
    made: dict[str, Any] = {}
    rows_with = Counter(chain.from_iterable(rows))
    for column in form.columns:
        given = rows_with[column.name]
        if given and (not column.optional or given >= len(rows) / 2):
            with contextlib.suppress(RowsError, TypeError, ValueError):
                # Optional, so that rows of an earlier version which lack the column do
                # not refuse it.
                made[column.name] = _made(rows, replace(column, optional=True))
    import pandas

    # The index keeps the number of rows where no column could be made.
    frame = pandas.DataFrame(made, index=range(len(rows)))
    return profile_value(frame)


def _made(rows: Sequence[dict[str, Any]], column: Column) -> Any:
    """The values of one column as a series, whatever the notebook's rows are."""
    # Polars writes `Utf8`, and pandas two names that begin with a capital as well.
    is_of_polars = column.dtype[:1].isupper() and column.dtype not in _CAPITALS
    if column.kind != "category" and is_of_polars:
        column = replace(column, dtype=_PANDAS.get(column.kind, "object"))
    form = RowsForm("frame", (column,))
    made = rows_from_columns(checked_columns(rows, form), form, len(rows))
    return made[column.name]


_CAPITALS = ("Int64", "Float64")
_PANDAS = {
    "integer": "Int64",
    "number": "float64",
    "boolean": "boolean",
    "text": "object",
}
"""The dtypes for columns of polars, whose own names pandas does not know."""


def predictions_profile(answers: Sequence[Answered]) -> Profile:
    """What the predictions looked like."""
    import numpy

    found = [*chain.from_iterable(each.predictions for each in predicted(answers))]
    return profile_value(numpy.asarray(found[-_MOST_ROWS:]))


def predicted(answers: Sequence[Answered]) -> Iterator[Answered]:
    """The answers that have predictions: the others say what was wrong."""
    return (answer for answer in answers if answer.status == 200)


def renamed(profile: Profile, names: Sequence[str]) -> Profile:
    """The profile with these names of columns: arrays and lists have none of their
    own."""
    if len(profile.columns) != len(names):
        return profile
    pairs = zip(profile.columns, names, strict=True)
    return replace(
        profile, columns=tuple(replace(column, name=name) for column, name in pairs)
    )
