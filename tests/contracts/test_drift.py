"""What moved between two profiles, and what did not."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from jupyter_pipe.contracts import find_drift

from .weeks import profile_of, profiled, stable_week


def test_stable_weeks_do_not_move() -> None:
    weeks = [profiled(stable_week(week).drop(columns="week")) for week in range(1, 49)]
    pairs = list(itertools.pairwise(weeks)) + [(weeks[0], week) for week in weeks]
    moved = [
        column.name
        for before, after in pairs
        for column in find_drift("raw", before, after).moved
    ]
    assert moved == []


@pytest.mark.parametrize(
    ("column", "change", "state", "note"),
    [
        ("price", lambda values: values * 1.6, "moved", "about 1.6 times as large"),
        ("km_to_centre", lambda values: values + 4, "moved", "the median went from"),
        (
            "area",
            lambda values: values * 10.7639,
            "moved",
            "square feet instead of square metres",
        ),
        (
            "district",
            lambda values: values.replace("Harbour", "Airport"),
            "moved",
            "new: 'Airport'",
        ),
        (
            "condition",
            lambda values: values.clip(upper=2),
            "moved",
            "the median went from",
        ),
        ("rooms", lambda values: values.astype(str), "type", "int became text"),
        (
            "built",
            lambda values: values.where(values.index < 20),
            "unknown",
            "only 20 rows with a value",
        ),
        (
            "sale_id",
            lambda values: values,
            "unknown",
            "nearly every value is another one",
        ),
        ("price", lambda values: values, "same", ""),
    ],
)
def test_columns_that_moved(column: str, change: object, state: str, note: str) -> None:
    assert callable(change)
    before = stable_week(5)
    after = before.assign(**{column: change(before[column])})
    drift = find_drift("raw", profiled(before), profiled(after))
    found = next(each for each in drift.columns if each.name == column)
    assert found.state == state
    assert note in found.note
    assert [each.name for each in drift.moved] == (
        [column] if state in ("moved", "type") else []
    )


def test_columns_that_came_and_went() -> None:
    before, after = (
        profile_of(pd.DataFrame({name: [1.0] * 40, "same": [1.0] * 40}))
        for name in "ab"
    )
    states = {
        each.name: each.state for each in find_drift("raw", before, after).columns
    }
    assert states == {"a": "gone", "b": "new", "same": "same"}
