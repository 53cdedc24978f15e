"""Weekly batches of home sales, drawn from a seeded model of a small city.

`weekly_batches(folder, weeks)` returns the paths of `week_01.csv` … and writes the
files that are missing. A week always holds the same sales. The flaws are those of real
feeds:

- some lot areas and years of construction are missing;
- some living areas were typed with one digit too many, some prices in thousands;
- a batch repeats the last sales of the week before;
- district names come in mixed case and with stray blanks;
- from week `SCHEMA_CHANGE` on, `area` in square metres is called `living_area` and is
  in square feet.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

SALES_PER_WEEK = 360
REPEATED_SALES = 6
SCHEMA_CHANGE = 9
SQUARE_FEET = 10.7639
DISTRICTS = {
    "Harbour": 1.22,
    "Old Town": 1.15,
    "Riverside": 1.04,
    "Northfield": 0.93,
    "Millbrook": 0.86,
}


def weekly_batches(folder: str | Path, weeks: int) -> list[Path]:
    """The files of weeks 1 to `weeks`, oldest first, written where they are missing."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"week_{week:02}.csv" for week in range(1, weeks + 1)]
    for week, path in enumerate(paths, start=1):
        if not path.exists():
            _write_whole(batch(week), path)
    return paths


def batch(week: int) -> pd.DataFrame:
    """The sales of one week as the feed delivers them, flaws included."""
    repeated = _with_flaws(week - 1).tail(REPEATED_SALES) if week > 1 else None
    sales = pd.concat([repeated, _with_flaws(week)], ignore_index=True)
    if week < SCHEMA_CHANGE:
        return sales
    sales["area"] = (sales["area"] * SQUARE_FEET).round()
    return sales.rename(columns={"area": "living_area"})


def _sales(week: int) -> pd.DataFrame:
    rng = np.random.default_rng([20, week])
    count = SALES_PER_WEEK
    area = rng.lognormal(4.55, 0.36, count).clip(28, 320)
    built = rng.integers(1905, 2025, count)
    district = rng.choice(list(DISTRICTS), count, p=[0.14, 0.18, 0.24, 0.24, 0.20])
    km_to_centre = rng.gamma(2.4, 2.0, count).clip(0.2, 24)
    condition = rng.integers(1, 6, count)
    lot_area = area * rng.uniform(1.1, 5.0, count) * (1 + km_to_centre / 20)
    price = _price(area, built, district, km_to_centre, condition, lot_area, week)
    return pd.DataFrame(
        {
            "sale_id": [f"S{week:02}{number:04}" for number in range(count)],
            "week": week,
            "district": district,
            "area": area.round(1),
            "rooms": np.maximum(
                1, (area / 24 + rng.normal(0, 0.7, count)).round()
            ).astype(int),
            "built": built,
            "condition": condition,
            "lot_area": lot_area.round(),
            "km_to_centre": km_to_centre.round(1),
            "price": (price * rng.lognormal(0, 0.065, count)).round(-2),
        }
    )


def _price(area, built, district, km_to_centre, condition, lot_area, week):
    per_metre = (
        6200
        * np.exp(-km_to_centre / 14)
        * pd.Series(district).map(DISTRICTS).to_numpy()
    )
    age = 2025 - built
    charm = np.where(built < 1935, 1.12, 1.0)
    quality = (1 - 0.0035 * np.minimum(age, 70)) * (0.82 + 0.06 * condition)
    season = 1 + 0.02 * np.sin(week / 8)
    return (per_metre * area**0.94 * quality * charm + 60 * lot_area) * season


def _with_flaws(week: int) -> pd.DataFrame:
    sales = _sales(week)
    rng = np.random.default_rng([21, week])
    chance = rng.random((5, len(sales)))
    sales["lot_area"] = sales["lot_area"].mask(chance[0] < 0.05)
    sales["built"] = sales["built"].astype("float").mask(chance[1] < 0.02)
    sales["area"] = sales["area"].mask(chance[2] < 0.006, sales["area"] * 10)
    sales["price"] = sales["price"].mask(chance[3] < 0.006, sales["price"] / 1000)
    sales["district"] = sales["district"].mask(
        chance[4] < 0.04, " " + sales["district"].str.upper()
    )
    return sales


def _write_whole(frame: pd.DataFrame, path: Path) -> None:
    """Two runs may start at once: each file appears whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".csv")
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        frame.to_csv(file, index=False)
    Path(name).replace(path)
