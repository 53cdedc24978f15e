"""What a compiled scorer costs beside a function written by hand: `python
benchmarks/scoring.py [--check]`.

Both do the same to the same rows: gaps, ratios, logarithms, words, a forest behind
encoders. CPU seconds, in turn, so that what else the machine does falls on both.
`--check` exits with 1 above 1.3 times for 10,000 rows or 1.5 times for a single row.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.scoring.building import build_scorer
from jupyter_pipe.scoring.program import read_program

CELLS = (
    (
        "",
        """
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
""",
    ),
    (
        "rows:raw",
        """
rng = np.random.default_rng(0)
n = 2000
raw = pd.DataFrame({
    "district": rng.choice([" north", "South ", "east", "west"], n), "area": rng.normal(90, 25, n).round(1),
    "rooms": rng.integers(1, 7, n), "built": rng.integers(1900, 2020, n).astype(float),
    "lot_area": rng.normal(300, 90, n), "km": rng.gamma(2, 4, n)})
raw["price"] = raw["area"] * 3000 / (1 + raw["km"] / 20) + raw["rooms"] * 900 + rng.normal(0, 9000, n)
raw.loc[rng.random(n) < 0.1, ["lot_area", "built"]] = np.nan
""",
    ),
    (
        "",
        """
homes = raw[raw["price"] > 0].reset_index(drop=True)
homes["district"] = homes["district"].str.strip().str.title()
homes = homes.assign(
    age=2025 - homes["built"], prewar=(homes["built"] < 1935).astype(int),
    ratio=homes["lot_area"] / homes["area"], near=np.exp(-homes["km"] / 10)).drop(columns="built")
train, test = homes.iloc[:1500].copy(), homes.iloc[1500:].copy()
middles = {}
for column in ["age", "lot_area", "ratio"]:
    middles[column] = middle = train[column].median()
    train[column] = train[column].fillna(middle)
    test[column] = test[column].fillna(middle)
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["district"]), remainder="passthrough")
model = make_pipeline(columns, RandomForestRegressor(30, min_samples_leaf=3, random_state=0, n_jobs=1))
model.fit(train.drop(columns="price"), train["price"])
""",
    ),
    ("score:predicted", 'predicted = model.predict(test.drop(columns="price"))'),
)


def by_hand(model: Any, middles: dict[str, float]) -> Callable[[Any], Any]:
    """The function that a careful colleague writes."""
    import numpy
    import pandas

    def score(rows: Any) -> Any:
        homes = rows.reset_index(drop=True)
        homes["district"] = homes["district"].str.strip().str.title()
        homes = homes.assign(
            age=2025 - homes["built"],
            prewar=(homes["built"] < 1935).astype(int),
            ratio=homes["lot_area"] / homes["area"],
            near=numpy.exp(-homes["km"] / 10),
        ).drop(columns="built")
        for column, middle in middles.items():
            homes[column] = homes[column].fillna(middle)
        return model.predict(homes.drop(columns="price", errors="ignore"))

    assert pandas
    return score


def measure(
    ours: Callable[[Any], Any], theirs: Callable[[Any], Any], batches: list[Any]
) -> tuple[float, float]:
    """Median CPU seconds of each, called in turn on the same rows."""
    costs: tuple[list[float], list[float]] = ([], [])
    for rows in batches:
        for function, found in zip((ours, theirs), costs, strict=True):
            begun = time.process_time()
            function(rows)
            found.append(time.process_time() - begun)
    return statistics.median(costs[0]), statistics.median(costs[1])


def build() -> tuple[Any, dict[str, Any]]:
    """The scorer of the notebook above, and the names after its cells ran."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = []
    for number, (tag, source) in enumerate(CELLS):
        exec(source, names)
        cells.append(
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "source": source.strip(),
                "metadata": {"tags": [tag] if tag else []},
                "outputs": [],
                "execution_count": None,
            }
        )
    kernel = {"name": "python3", "display_name": "Python", "language": "python"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    program = read_program(
        read_notebook(Path("homes.ipynb"), json.dumps(content).encode()), Path()
    )
    return build_scorer(program, names["predicted"]), names


def main() -> int:
    """Print both costs, and the share."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    built, names = build()
    assert built.passed, built.proofs
    hand = by_hand(names["model"], names["middles"])
    raw = names["raw"]
    many = raw.sample(10_000, replace=True, random_state=0).reset_index(drop=True)
    single = [raw.iloc[[number]] for number in range(150)]
    assert (built.scorer.score(many) == hand(many)).all()
    shares = []
    for what, batches in (("10,000 rows", [many] * 9), ("a single row", single)):
        ours, theirs = measure(built.scorer.score, hand, batches)
        shares.append(ours / theirs)
        print(
            f"{what}: scorer {1000 * ours:.1f} ms, by hand {1000 * theirs:.1f} ms, {ours / theirs:.2f} times"
        )
    return int(args.check and (shares[0] > 1.3 or shares[1] > 1.5))


if __name__ == "__main__":
    sys.exit(main())
