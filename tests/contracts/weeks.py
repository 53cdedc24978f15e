"""Weekly sales as the example's generator makes them, and what can go wrong with a
week."""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from jupyter_pipe.contracts import Profile
from jupyter_pipe.kernel.profiles import make_profile

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "example_notebooks"))
import home_sales  # type: ignore[import-not-found]

KEY = ("sale_id",)
STABLE_WEEKS = range(1, 49)


@functools.cache
def stable_week(week: int) -> pd.DataFrame:
    """A week in the units of the first eight; the generator's own change of schema is
    left out."""
    frame = home_sales._with_flaws(week)
    if week > 1:
        repeated = home_sales._with_flaws(week - 1).tail(home_sales.REPEATED_SALES)
        frame = pd.concat([repeated, frame], ignore_index=True)
    assert isinstance(frame, pd.DataFrame)
    return frame


def profile_of(value: Any, **asked: Any) -> Profile:
    """The record as the host reads it."""
    return msgspec.convert(make_profile(value, **asked), Profile)


def profiled(frame: pd.DataFrame, keys: Sequence[Sequence[str]] = (KEY,)) -> Profile:
    return profile_of(frame, keys=keys)


def reread(
    frame: pd.DataFrame,
    change: Callable[[str], str],
    written: str = "utf-8",
    **options: Any,
) -> pd.DataFrame:
    """The week as a file, changed as a text, and read as the notebook reads it."""
    data = change(frame.to_csv(index=False)).encode(written)
    return pd.read_csv(io.BytesIO(data), **options)


def some(frame: pd.DataFrame, share: float) -> pd.Series[bool]:
    """The same rows every time."""
    return pd.Series(
        np.random.default_rng(5).random(len(frame)) < share, index=frame.index
    )


Fault = Callable[[pd.DataFrame], pd.DataFrame]
FAULTS: dict[str, tuple[Fault, str, str]] = {
    # name: what is done to a week, the column that the message must name, the cause
    # that it must guess
    "renamed": (lambda f: f.rename(columns={"area": "living_area"}), "area", "renamed"),
    "renamed text": (
        lambda f: f.rename(columns={"district": "quarter"}),
        "district",
        "renamed",
    ),
    "renamed, new case": (
        lambda f: f.rename(columns={"lot_area": "Lot Area"}),
        "lot_area",
        "renamed",
    ),
    "byte order mark": (
        lambda f: f.rename(columns={"sale_id": "\ufeffsale_id"}),
        "sale_id",
        "renamed",
    ),
    "renamed, other unit": (
        lambda f: f.assign(living_area=(f["area"] * 10.7639).round()).drop(
            columns="area"
        ),
        "area",
        "renamed_unit",
    ),
    "dropped": (lambda f: f.drop(columns="condition"), "condition", ""),
    "square feet": (lambda f: f.assign(area=f["area"] * 10.7639), "area", "unit"),
    "miles": (
        lambda f: f.assign(km_to_centre=(f["km_to_centre"] * 0.621371).round(1)),
        "km_to_centre",
        "unit",
    ),
    "thousands": (lambda f: f.assign(price=f["price"] / 1000), "price", "unit"),
    "cents": (lambda f: f.assign(price=f["price"] * 100), "price", "unit"),
    "metres": (
        lambda f: f.assign(km_to_centre=f["km_to_centre"] * 1000),
        "km_to_centre",
        "unit",
    ),
    "square feet of the lot": (
        lambda f: f.assign(lot_area=f["lot_area"] * 10.7639),
        "lot_area",
        "unit",
    ),
    "numbers as texts": (
        lambda f: f.assign(rooms=f["rooms"].astype(str) + " rooms"),
        "rooms",
        "with_unit",
    ),
    "decimal commas": (
        lambda f: f.assign(
            area=[f"{area:.1f}".replace(".", ",") for area in f["area"]]
        ),
        "area",
        "decimal_comma",
    ),
    "a word for nothing": (
        lambda f: f.assign(
            price=f["price"].astype(object).mask(some(f, 0.05), "on request")
        ),
        "price",
        "",
    ),
    "years as dates": (
        lambda f: f.assign(
            built=pd.to_datetime(f["built"].fillna(1950).astype(int).astype(str))
        ),
        "built",
        "",
    ),
    "many missing": (
        lambda f: f.assign(built=f["built"].mask(some(f, 0.2))),
        "built",
        "",
    ),
    "one missing": (
        lambda f: f.assign(price=f["price"].mask(f.index == 7)),
        "price",
        "",
    ),
    "empty column": (lambda f: f.assign(lot_area=np.nan), "lot_area", "empty"),
    "negative": (
        lambda f: f.assign(area=f["area"].where(~some(f, 0.05), -f["area"])),
        "area",
        "",
    ),
    "years of two digits": (lambda f: f.assign(built=f["built"] % 100), "built", ""),
    "a grade of ten": (
        lambda f: f.assign(condition=f["condition"] * 2),
        "condition",
        "",
    ),
    "new category": (
        lambda f: f.assign(district=f["district"].mask(some(f, 0.1), "Airport")),
        "district",
        "",
    ),
    "misspelt category": (
        lambda f: f.assign(district=f["district"].replace("Harbour", "Harbor")),
        "district",
        "spelling",
    ),
    "lower case": (
        lambda f: f.assign(district=f["district"].str.lower()),
        "district",
        "spelling",
    ),
    "codes": (
        lambda f: f.assign(district=f["district"].str.len().astype(str)),
        "district",
        "codes",
    ),
    "duplicate key": (
        lambda f: pd.concat([f, f.head(3)], ignore_index=True),
        "sale_id",
        "",
    ),
    "the batch twice": (lambda f: pd.concat([f, f], ignore_index=True), "", "repeated"),
    "truncated file": (
        lambda f: reread(f, lambda text: text[: len(text) // 3]),
        "",
        "truncated",
    ),
    "shifted column": (
        lambda f: f.set_axis(
            [*f.columns[:3], *f.columns[4:9], f.columns[3], f.columns[9]], axis=1
        ),
        "lot_area",
        "shifted",
    ),
    "swapped columns": (
        lambda f: f.rename(columns={"area": "lot_area", "lot_area": "area"}),
        "lot_area",
        "swapped",
    ),
    "other encoding": (
        lambda f: reread(
            f.replace("Millbrook", "Mühlbach"), str, "utf-8", encoding="latin-1"
        ),
        "district",
        "encoding",
    ),
    "unreadable bytes": (
        lambda f: reread(
            f.replace("Millbrook", "Mühlbach"),
            str,
            "latin-1",
            encoding_errors="replace",
        ),
        "district",
        "encoding",
    ),
    "other separator": (
        lambda f: reread(f, lambda text: text.replace(",", ";")),
        "area",
        "",
    ),
    "ids of digits": (lambda f: f.assign(sale_id=f["sale_id"].str[1:]), "sale_id", ""),
}
