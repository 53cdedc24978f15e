"""Stable weeks are fine, planted shifts are found in one batch and named, too few rows
are unknown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from jupyter_pipe.contracts import Profile
from jupyter_pipe.monitoring.statistics import compare, state_of
from tests.contracts.weeks import profiled, some, stable_week

ROWS = 360
Shift = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def reference() -> Profile:
    """What the run that made the model saw: eight weeks."""
    return profiled(
        pd.concat([stable_week(week) for week in range(1, 9)]).drop(columns="week")
    )


def batch(week: int) -> pd.DataFrame:
    """One week, of 360 rows."""
    return stable_week(week).drop(columns="week").head(ROWS)


@pytest.mark.parametrize("first", [1, 8])
def test_no_stable_week_alarms(reference: Profile, first: int) -> None:
    before = reference if first == 1 else profiled(batch(first))
    weeks = [compare("raw", before, profiled(batch(week))) for week in range(1, 49)]
    assert [alarms for _, alarms in weeks if alarms] == []
    assert {state_of(drift, alarms) for drift, alarms in weeks} == {"fine"}


def outwards(frame: pd.DataFrame) -> pd.DataFrame:
    """More of the sales lie far from the centre, with smaller prices."""
    far = some(frame, 0.5)
    return frame.assign(
        km_to_centre=frame["km_to_centre"].where(~far, frame["km_to_centre"] * 2 + 3)
    )


SHIFTS: dict[str, tuple[str, Shift]] = {
    "prices a quarter up": ("price", lambda f: f.assign(price=f["price"] * 1.25)),
    "prices a third down": ("price", lambda f: f.assign(price=f["price"] * 0.67)),
    "prices in thousands": ("price", lambda f: f.assign(price=f["price"] / 1000)),
    "prices capped": (
        "price",
        lambda f: f.assign(price=f["price"].clip(upper=f["price"].quantile(0.6))),
    ),
    "sales outwards": ("km_to_centre", outwards),
    "miles": (
        "km_to_centre",
        lambda f: f.assign(km_to_centre=f["km_to_centre"] * 0.621371),
    ),
    "square feet": ("area", lambda f: f.assign(area=f["area"] * 10.7639)),
    "larger homes": ("area", lambda f: f.assign(area=f["area"] + 25)),
    "small homes left out": (
        "area",
        lambda f: f.assign(area=f["area"].where(f["area"] > 70, 70.0)),
    ),
    "larger lots": ("lot_area", lambda f: f.assign(lot_area=f["lot_area"] * 1.6)),
    "one room more": ("rooms", lambda f: f.assign(rooms=f["rooms"] + 1)),
    "newer homes": ("built", lambda f: f.assign(built=f["built"] + 25)),
    "another condition": (
        "condition",
        lambda f: f.assign(condition=f["condition"].clip(upper=2)),
    ),
    "one condition for all": ("condition", lambda f: f.assign(condition=3)),
    "a new district": (
        "district",
        lambda f: f.assign(district=f["district"].mask(some(f, 0.05), "Airport")),
    ),
    "one district for half": (
        "district",
        lambda f: f.assign(district=f["district"].mask(some(f, 0.5), "Harbour")),
    ),
    "lower case": ("district", lambda f: f.assign(district=f["district"].str.lower())),
    "a fifth without a year": (
        "built",
        lambda f: f.assign(built=f["built"].mask(some(f, 0.2))),
    ),
    "areas missing": ("area", lambda f: f.assign(area=f["area"].mask(some(f, 0.12)))),
    "rooms as texts": (
        "rooms",
        lambda f: f.assign(rooms=f["rooms"].astype(str) + " rooms"),
    ),
    "no lots any more": ("lot_area", lambda f: f.drop(columns="lot_area")),
    "an empty column": ("lot_area", lambda f: f.assign(lot_area=np.nan)),
}


@pytest.mark.parametrize("name", SHIFTS)
@pytest.mark.parametrize("week", [12, 33])
def test_a_planted_shift_is_found_in_one_batch_and_named(
    reference: Profile, name: str, week: int
) -> None:
    column, shift = SHIFTS[name]
    _, alarms = compare("raw", reference, profiled(shift(batch(week))))
    assert {alarm.column for alarm in alarms} == {column}
    assert all(f"'{column}'" in alarm.message for alarm in alarms)


def test_too_few_rows_are_unknown(reference: Profile) -> None:
    drift, alarms = compare("raw", reference, profiled(batch(5).head(20)))
    assert state_of(drift, alarms) == "unknown"


def test_only_what_is_needed_is_looked_at(reference: Profile) -> None:
    moved = profiled(SHIFTS["square feet"][1](batch(5)))
    drift, alarms = compare("raw", reference, moved, needed={"rooms", "district"})
    assert ({column.name for column in drift.columns}, alarms) == (
        {"rooms", "district"},
        (),
    )
