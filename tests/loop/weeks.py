"""Weeks of home sales for the loop's scenarios: the example's feed, outliers left
out."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2] / "example_notebooks"))
import home_sales

__all__ = ["MILES", "dearer", "week_of"]

MILES = 1.609


def week_of(number: int) -> pd.DataFrame:
    """A week as the feed delivers it, before it changes its columns, outliers left
    out."""
    sales = home_sales.batch(number).drop_duplicates("sale_id")
    if "living_area" in sales:
        sales["area"] = sales.pop("living_area") / home_sales.SQUARE_FEET
    return sales[
        sales["price"].between(20_000, 3_000_000) & sales["area"].between(15, 500)
    ]


@functools.cache
def dearer(number: int) -> pd.DataFrame:
    """A week after prices have risen by a quarter."""
    rows = week_of(number)
    return rows.assign(price=rows["price"] * 1.25)
