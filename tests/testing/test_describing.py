"""What is written down of values, and which changes of them are seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

from jupyter_pipe.testing import with_gaps
from jupyter_pipe.testing.comparing import differences
from jupyter_pipe.testing.describing import describe, to_text
from jupyter_pipe.testing.sampling import sample_inputs


def homes(rows: int = 30) -> pd.DataFrame:
    numbers = np.arange(rows)
    return pd.DataFrame(
        {
            "area": 40.0 + numbers,
            "rooms": numbers % 5,
            "name": [f"H{n}" for n in numbers],
        }
    )


def kept(value: Any) -> Any:
    """As the file holds it."""
    return json.loads(to_text(describe(value)))


def changed(frame: pd.DataFrame, change: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
    copy = frame.copy()
    found = change(copy)
    return copy if found is None else found


def test_small_tables_are_written_out() -> None:
    assert kept(homes(3)) == {
        "rows": 3,
        "columns": {
            "area": {"dtype": "float64", "values": [40.0, 41.0, 42.0]},
            "rooms": {"dtype": "int64", "values": [0, 1, 2]},
            "name": {
                "dtype": str(homes(3)["name"].dtype),
                "values": ["H0", "H1", "H2"],
            },
        },
    }


def cycle() -> list[Any]:
    """A list that holds itself."""
    seen: list[Any] = [1]
    seen.append([seen] * 500)
    return seen


VALUES: dict[str, Any] = {
    "number": 3,
    "truth": True,
    "text": "é",
    "gap": float("nan"),
    "list": [1, (2.5, None)],
    "dict": {1: "a", "b": {2, 3}},
    "time": pd.Timestamp("2026-11-30 06:00"),
    "table": homes(),
    "filtered": homes()[homes()["rooms"] > 2],
    "polars": pl.DataFrame({"area": [1.5, None], "name": ["a", "b"]}),
    "series": homes()["area"],
    "array": np.arange(6.0).reshape(2, 3),
    "long": np.arange(5000) / 7,
    "large": homes(5000),
    "records": np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
    "cycle": cycle(),
    "model": RandomForestRegressor(5, random_state=0).fit(
        homes()[["area"]], homes()["rooms"]
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_what_it_was(name: str) -> None:
    assert list(differences(kept(VALUES[name]), kept(VALUES[name]), name)) == []


CHANGES: list[tuple[Callable[[pd.DataFrame], Any], str]] = [
    (
        lambda frame: frame.__setitem__("area", frame["area"] * 2),
        "sales['area'][0]: 80.0",
    ),
    (lambda frame: frame.iloc[:-1], "sales.rows: 29, golden is 30"),
    (lambda frame: frame.drop(columns="rooms"), "sales['rooms'] is not there any more"),
    (lambda frame: frame.assign(age=1), "sales['age'] is new"),
    (lambda frame: frame.astype({"rooms": "float64"}), "sales['rooms'].dtype"),
    (lambda frame: frame.sort_values("rooms"), "sales.index is new"),
    (
        lambda frame: frame.__setitem__("name", frame["name"].str.lower()),
        "sales['name'][0]: \"h0\", golden",
    ),
    (with_gaps, "sales['area'][0]: null, golden is 40.0"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_a_change_of_a_table_is_named(
    change: Callable[[pd.DataFrame], Any], said: str
) -> None:
    lines = list(
        differences({"sales": kept(homes())}, {"sales": kept(changed(homes(), change))})
    )
    assert any(said in line for line in lines), lines


@pytest.mark.parametrize("place", [0, 97, 4096, 4999])
@pytest.mark.parametrize("change", [1e-3, -3.0])
def test_a_change_of_one_number_among_many_is_seen(place: int, change: float) -> None:
    large = homes(5000)
    other = large.copy()
    other.loc[place, "area"] += change
    assert list(differences(kept(large), kept(other), "large"))


def test_two_numbers_that_change_places_are_seen() -> None:
    numbers = np.arange(5000) / 7
    swapped = numbers.copy()
    swapped[[3, 131]] = numbers[[131, 3]]
    assert list(differences(kept(numbers), kept(swapped), "numbers"))


def test_a_rounding_is_no_change() -> None:
    numbers = np.arange(1, 5000) / 7
    for few in (numbers[:10], numbers):
        assert list(differences(kept(few), kept(few * (1 + 1e-14)), "numbers")) == []


@pytest.mark.parametrize(
    "other",
    [
        LinearRegression().fit(homes()[["area"]], homes()["rooms"] + 1),
        LinearRegression(fit_intercept=False).fit(homes()[["area"]], homes()["rooms"]),
        LinearRegression(positive=True),
    ],
    ids=["fitted otherwise", "another setting", "not fitted"],
)
def test_another_model_is_seen(other: LinearRegression) -> None:
    model = LinearRegression().fit(homes()[["area"]], homes()["rooms"])
    (line,) = differences(kept(model), kept(other), "model")
    assert line.startswith(
        "model has other contents than the golden one (sklearn.linear_model"
    )


def test_truth_is_no_number() -> None:
    assert list(differences(True, 1, "passed")) == ["passed: 1, golden is true"]


def test_what_is_equally_long_is_cut_at_the_same_rows() -> None:
    frame = homes(1000)
    cut = sample_inputs(
        {"X": frame, "y": frame["rooms"], "names": list(frame["name"]), "k": 3},
        most=100,
    )
    assert list(cut["X"].index) == list(cut["y"].index) == list(range(0, 1000, 10))
    assert len(cut["names"]) == 1000
    assert cut["k"] == 3


@pytest.mark.parametrize(
    "frame",
    [homes(9), pl.DataFrame(homes(9).to_dict("list"))],
    ids=["pandas", "polars"],
)
def test_every_third_value_of_each_column_is_missing(frame: Any) -> None:
    gaps = with_gaps(frame)
    assert len(gaps) == len(frame)
    assert [pd.Series(gaps[name].to_list()).isna().sum() for name in frame.columns] == [
        3,
        3,
        3,
    ]
