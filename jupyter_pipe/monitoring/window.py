"""From lines of the request log to profiles of rows and predictions. Pure.

Rows are made as the notebook has them, column by column, so that their profiles can be
compared. A column that cannot be made, such as one that the log holds hashed, is left
out.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
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

__all__ = ["predictions_profile", "renamed", "rows_profile", "traffic_of"]

_MOST_ROWS = 100_000


def traffic_of(answers: Sequence[Answered]) -> Traffic:
    """Counts of the answers of one version."""
    problems = [
        each.problem
        for each in answers
        if each.problem is not None and each.problem.rule
    ]
    where = Counter(
        f"{problem.column or 'any column'}: {problem.rule}" for problem in problems
    )
    rows = sum(len(each.predictions) for each in answers)
    return Traffic(len(answers), rows, len(problems), dict(where.most_common()))


def rows_profile(answers: Sequence[Answered], form: RowsForm) -> Profile:
    """What the rows that got a prediction looked like, the newest 100,000. Optional
    columns count if at least half of the rows have them."""
    rows = [row for answer in answers if answer.status == 200 for row in answer.rows][
        -_MOST_ROWS:
    ]
    made: dict[str, Any] = {}
    for column in form.columns:
        given = sum(column.name in row for row in rows)
        if given and (not column.optional or given >= len(rows) / 2):
            with contextlib.suppress(RowsError, TypeError, ValueError):
                made[column.name] = _made(rows, replace(column, optional=True))
    import pandas

    frame = pandas.DataFrame(made, index=range(len(rows)))
    return profile_value(frame)


def _made(rows: Sequence[dict[str, Any]], column: Column) -> Any:
    """The values of one column as a series, whatever the notebook's rows are."""
    form = RowsForm("frame", (column,))
    if (
        column.kind != "category"
        and column.dtype[:1].isupper()
        and column.dtype not in ("Int64", "Float64")
    ):
        form = RowsForm(
            "frame", (replace(column, dtype=_PANDAS.get(column.kind, "object")),)
        )
    made = rows_from_columns(checked_columns(rows, form), form, len(rows))
    return made[column.name]


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

    found = [
        value
        for answer in answers
        if answer.status == 200
        for value in answer.predictions
    ]
    return profile_value(numpy.asarray(found[-_MOST_ROWS:]))


def renamed(profile: Profile, names: Sequence[str]) -> Profile:
    """The profile with these names of columns: arrays and lists have none of their
    own."""
    if len(profile.columns) != len(names):
        return profile
    pairs = zip(profile.columns, names, strict=True)
    return replace(
        profile, columns=tuple(replace(column, name=name) for column, name in pairs)
    )
