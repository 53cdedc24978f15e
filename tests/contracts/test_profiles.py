"""What the kernel side writes down of a value."""

from __future__ import annotations

import datetime
import decimal
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_pipe.artifacts import profile_record
from jupyter_pipe.kernel.context import Context
from jupyter_pipe.kernel.profiles import make_profile, numbers
from jupyter_pipe.kernel.session import Session

from .weeks import profile_of, stable_week

NAN = math.nan


def column_of(value: Any) -> profile_record.ColumnProfile:
    (column,) = profile_of(value).columns
    return column


def test_both_sides_take_the_same_quantiles() -> None:
    assert numbers.PROBABILITIES == profile_record.PROBABILITIES
    assert numbers.BINS == profile_record.BINS


@pytest.mark.parametrize(
    ("values", "kind", "nulls", "distinct"),
    [
        (pd.Series([1, 2, 2]), "int", 0, 2),
        (pd.Series([1, None, 2.5]), "float", 1, 2),
        (pd.Series([1, None], dtype="Int64"), "int", 1, 1),
        (pd.Series([True, False, None], dtype="boolean"), "bool", 1, 2),
        (pd.Series([True, False]), "bool", 0, 2),
        (pd.Series(["a", None, "b"]), "text", 1, 2),
        (pd.Series(["a", "b"], dtype=object), "text", 0, 2),
        (pd.Series(["a", None, "b"], dtype="category"), "text", 1, 2),
        (pd.Series(pd.to_datetime(["2026-01-01", None])), "datetime", 1, 1),
        (
            pd.Series(pd.to_datetime(["2026-01-01"]).tz_localize("Europe/Berlin")),
            "datetime",
            0,
            1,
        ),
        (pd.Series(pd.to_timedelta([1, 2], unit="s")), "duration", 0, 2),
        (pd.Series([datetime.date(2026, 1, 1), None], dtype=object), "datetime", 1, 1),
        (pd.Series([decimal.Decimal("1.5"), 2], dtype=object), "float", 0, 2),
        (pd.Series([1, "x", None], dtype=object), "mixed", 1, 0),
        (pd.Series([[1], [2]]), "other", 0, 0),
        (pd.Series([None, None], dtype=object), "other", 2, 0),
        (np.array([1.0, NAN, math.inf]), "float", 1, 2),
        (np.array(["x", "y"]), "text", 0, 2),
        (np.array([1 + 2j]), "other", 0, 0),
        (np.array([], dtype=float), "float", 0, 0),
    ],
    ids=str,
)
def test_columns_of_all_types(
    values: Any, kind: str, nulls: int, distinct: int
) -> None:
    column = column_of(values)
    assert (column.type, column.nulls, column.distinct) == (kind, nulls, distinct)
    assert column.nulls + column.filled == len(values)


def test_numbers_are_described_as_numpy_does() -> None:
    values = np.random.default_rng(3).gamma(2, 3, 5_000)
    column = column_of(values)
    assert column.quantiles == pytest.approx(
        np.quantile(values, profile_record.PROBABILITIES)
    )
    assert column.mean == pytest.approx(values.mean())
    assert sum(column.histogram) == len(values)
    assert len(column.histogram) == profile_record.BINS
    inside = np.histogram(
        values, bins=profile_record.BINS, range=(column.low, column.high)
    )[0]
    assert list(column.histogram[1:-1]) == inside[1:-1].tolist()


def test_times_are_seconds() -> None:
    column = column_of(pd.Series(pd.to_datetime(["1970-01-02", "1970-01-03"])))
    assert (column.quantiles[0], column.quantiles[-1]) == (86400.0, 172800.0)


def test_texts_are_counted_and_sketched() -> None:
    column = column_of(pd.Series(["S12", "S7", "S7", " ", "MÃ¼hl"]))
    assert column.top[0] == ("S7", 2)
    assert dict(column.shapes)["A9"] == 3
    assert (column.blank, column.garbled) == (1, 1)


def test_names_of_people_are_not_kept() -> None:
    names = pd.Series([f"name {number}" for number in range(500)])
    assert column_of(names).top == ()


def test_a_secret_is_not_shown() -> None:
    frame = pd.DataFrame({"token": ["hunter2", "hunter2", "x"]})
    record = make_profile(frame, show=lambda text: text.replace("hunter2", "***"))
    assert "hunter2" not in str(record)
    assert record["columns"][0]["top"][0] == ("***", 2)


@pytest.mark.parametrize(
    ("value", "kind", "rows", "columns"),
    [
        (pd.DataFrame({"a": [1], "b": ["x"]}), "pandas.DataFrame", 1, ["a", "b"]),
        (
            pd.DataFrame(
                np.ones((2, 2)),
                columns=pd.MultiIndex.from_tuples([("p", "q"), ("p", 1)]),
            ),
            None,
            2,
            ["p/q", "p/1"],
        ),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), None, 1, ["a", "a"]),
        (pd.DataFrame(), None, None, []),
        (pd.Series([1.0], name="price"), None, 1, ["price"]),
        (np.zeros((3, 2)), "numpy.ndarray", 3, ["0", "1"]),
        (np.zeros((2, 2, 2)), None, 8, [""]),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), None, 1, ["a", "b"]),
        (np.array(1.0), None, None, []),
        ([1, 2, 3], "list", 3, []),
        ({"a": 1}, "dict", 1, []),
        (3.5, "float", None, []),
        (None, "NoneType", None, []),
    ],
    ids=str,
)
def test_values_of_all_kinds(
    value: Any, kind: str | None, rows: int | None, columns: list[str]
) -> None:
    profile = profile_of(value)
    assert profile.rows == rows
    assert [column.name for column in profile.columns] == columns
    assert kind is None or profile.type.startswith(kind.split(".", maxsplit=1)[0])


def test_large_values_are_sampled_always_alike() -> None:
    values = np.random.default_rng(3).normal(size=300_000)
    first, second = profile_of(values), profile_of(values)
    assert first == second
    assert (first.rows, first.looked) == (300_000, 100_000)
    assert first.columns[0].quantiles[11] == pytest.approx(0, abs=0.02)
    values[1234] = 99.0
    assert profile_of(values, whole=True).columns[0].quantiles[-1] == 99.0


def test_the_generators_of_the_notebook_do_not_move() -> None:
    np.random.seed(1)
    random.seed(1)
    before = np.random.get_state()[1].tolist(), random.getstate()
    make_profile(np.zeros(200_000))
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before


def test_batches_and_keys_are_those_that_were_asked_for() -> None:
    frame = stable_week(2).assign(week=[1] * 6 + [2] * 360)
    profile = profile_of(
        frame, by="week", keys=[["sale_id"], ["week", "sale_id"], ["absent"]]
    )
    assert {name: batch.rows for name, batch in profile.batches.items()} == {
        "1": 6,
        "2": 360,
    }
    assert profile.duplicates == {"sale_id": 0, "week,sale_id": 0}
    assert profile.batches["2"].duplicates == {"sale_id": 0, "week,sale_id": 0}
    assert profile_of(frame, by="absent").batches == {}


def test_a_value_that_lies_costs_its_profile_and_nothing_else() -> None:
    class Liar(list[int]):
        def __len__(self) -> int:
            raise RuntimeError("no")

    assert profile_of(Liar()).rows is None


def test_frames_of_polars() -> None:
    polars = pytest.importorskip("polars")
    week = stable_week(2)
    ours, theirs = profile_of(week), profile_of(polars.DataFrame(week.to_dict("list")))
    for column in ours.columns:
        other = theirs.column(column.name)
        assert other is not None
        assert other.type == column.type
        assert other.quantiles == pytest.approx(column.quantiles)
    moments = polars.Series("at", [datetime.datetime(1970, 1, 2), None])
    assert column_of(moments).quantiles[0] == 86400.0
    assert column_of(polars.Series(["a", None]).cast(polars.Categorical)).nulls == 1
    batches = profile_of(
        polars.DataFrame({"week": [1, 1, 2], "x": [1, 1, 2]}), by="week", keys=[["x"]]
    )
    assert batches.batches["1"].duplicates == {"x": 1}


MANY = np.arange(150_000.0)


@pytest.mark.parametrize(
    "values",
    [
        MANY,
        MANY.astype("int64"),
        MANY.astype("float32"),
        np.where(MANY % 3 == 0, NAN, MANY),
        np.where(MANY < 140_000, NAN, MANY),
        pd.array(MANY.astype("int64"), dtype="Int64"),
        pd.array(np.where(MANY % 3 == 0, NAN, MANY), dtype="Float64"),
    ],
    ids=[
        "float",
        "int",
        "short",
        "gaps",
        "mostly gaps",
        "nullable int",
        "nullable float",
    ],
)
def test_a_contract_asks_for_the_range_of_all_rows(values: Any) -> None:
    """A sample would miss the ends of nearly all of them."""
    (column,) = make_profile(pd.DataFrame({"x": values}), whole=True)["columns"]
    known = pd.Series(values).dropna()
    assert (column["quantiles"][0], column["quantiles"][-1]) == (
        known.min(),
        known.max(),
    )


def test_what_nobody_reads_is_not_profiled(tmp_path: Path) -> None:
    session = Session(
        Context(str(tmp_path)), {"read": [1, 2], "unread": pd.DataFrame({"x": [1]})}
    )
    assert list(session.store_outputs(["read"])["profiles"]) == ["read"]
    nobody = Session(Context(str(tmp_path)), {"unread": pd.DataFrame({"x": [1]})})
    assert nobody.store_outputs([])["profiles"] == {}
