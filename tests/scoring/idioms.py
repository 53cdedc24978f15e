"""Feature idioms that have a right scorer, each with that scorer written by hand for
one row.

`code` stands between the cell that makes `raw` and the model. `truth(row, names)` gives
the features of one row by hand: `names` are those of the notebook after it ran, from
which it takes the raw rows and fitted objects, and computes statistics anew.
"""

# ruff: noqa: E501 - notebooks stand here as they are written

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

__all__ = ["IDIOMS", "ROWS", "Idiom", "notebook_text"]

Row = dict[str, Any]
Names = dict[str, Any]

PRELUDE = """
# %%
import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeRegressor, DecisionTreeClassifier
# %% rows:raw key:id
rng = np.random.default_rng(11)
n = 80
raw = pd.DataFrame(
    {
        "id": [f"H{number:03d}" for number in range(n)],
        "area": rng.normal(90, 30, n).round(1),
        "rooms": rng.integers(1, 7, n),
        "district": rng.choice(["north", "South", "east ", "west"], n),
        "built": rng.integers(1900, 2020, n),
        "sold": pd.date_range("2025-01-01", periods=n, freq="3D").strftime("%Y-%m-%d"),
        "note": rng.choice(["sunny flat", "quiet street, big garden", "near the park", "needs work"], n),
    }
)
raw["price"] = raw["area"] * 3 + raw["rooms"] * 7 + rng.normal(0, 5, n)
raw.loc[rng.random(n) < 0.15, "area"] = np.nan
"""
MODEL = """
# %%
model = DecisionTreeRegressor(max_depth=7, random_state=0).fit(homes[FEATURES], homes["price"])
# %% score:predicted
predicted = model.predict(homes[FEATURES])
"""
ROWS: list[Row] = [
    {
        "id": "N1",
        "area": 61.5,
        "rooms": 3,
        "district": "north",
        "built": 1931,
        "sold": "2025-03-02",
        "note": "sunny flat",
    },
    {
        "id": "N2",
        "area": None,
        "rooms": 5,
        "district": "South",
        "built": 1999,
        "sold": "2025-07-19",
        "note": "needs work",
    },
    {
        "id": "N3",
        "area": 180.0,
        "rooms": 1,
        "district": "west",
        "built": 1900,
        "sold": "2025-02-11",
        "note": "near the park",
    },
    {
        "id": "N4",
        "area": 12.0,
        "rooms": 6,
        "district": "east ",
        "built": 2019,
        "sold": "2025-08-01",
        "note": "quiet street, big garden",
    },
]


@dataclass(frozen=True)
class Idiom:
    """A notebook's way to make features. `model` is the code below it; `answer`
    computes the prediction of a frame of features, if it is not the model's alone."""

    name: str
    code: str
    truth: Callable[[Row, Names], Row]
    model: str = MODEL
    answer: Callable[[Any, Names], Any] | None = None


def notebook_text(code: str, model: str = MODEL) -> str:
    """The whole notebook around an idiom; `# %%` in the code begins another cell."""
    middle = code if code.lstrip().startswith("# %%") else f"\n# %%\n{code.strip()}\n"
    return PRELUDE + middle + model


def areas(names: Names) -> list[float]:
    """The areas of the raw rows that have one."""
    return [value for value in names["raw"]["area"].tolist() if not math.isnan(value)]


def number(value: float | None) -> float:
    """A gap as Python's own NaN."""
    return math.nan if value is None else value


def filled(row: Row, value: float) -> float:
    """The area, or what stands in for it."""
    return value if row["area"] is None else row["area"]


def quantile(values: list[float], share: float) -> float:
    """As numpy computes it: between two neighbours."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def prices_by(names: Names, column: str) -> dict[Any, float]:
    """The mean price of each value of a column."""
    found: dict[Any, list[float]] = {}
    for key, price in zip(names["raw"][column], names["raw"]["price"], strict=True):
        found.setdefault(key, []).append(price)
    return {key: sum(values) / len(values) for key, values in found.items()}


def spread(values: list[float]) -> float:
    """The standard deviation as numpy computes it."""
    middle = sum(values) / len(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / len(values))


DAY = 24 * 3600


def days(text: str) -> int:
    """Days since 1970 of a date."""
    from datetime import date

    return date.fromisoformat(text).toordinal()


IDIOMS = [
    Idiom(
        "gaps filled with the median",
        'homes = raw.copy()\nhomes["area"] = homes["area"].fillna(homes["area"].median())\nFEATURES = ["area", "rooms"]',
        lambda row, names: {
            "area": filled(row, median(areas(names))),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "gaps filled from a dict of means",
        'means = {"area": raw["area"].mean()}\nhomes = raw.fillna(means)\nFEATURES = ["area", "rooms"]',
        lambda row, names: {
            "area": filled(row, names["raw"]["area"].mean()),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "all numbers filled with their medians at once",
        'homes = raw.fillna(raw.median(numeric_only=True))\nFEATURES = ["area", "rooms", "built"]',
        lambda row, names: {
            "area": filled(row, median(areas(names))),
            "rooms": row["rooms"],
            "built": row["built"],
        },
    ),
    Idiom(
        "gaps filled in a loop over columns",
        """
homes = raw.copy()
for column in ["area", "built"]:
    middle = homes[column].median()
    homes[column] = homes[column].fillna(middle)
FEATURES = ["area", "built"]
""",
        lambda row, names: {
            "area": filled(row, median(areas(names))),
            "built": row["built"],
        },
    ),
    Idiom(
        "a column of what was missing",
        """
homes = raw.copy()
homes["no_area"] = homes["area"].isna().astype(int)
homes["area"] = homes["area"].fillna(0)
FEATURES = ["area", "no_area"]
""",
        lambda row, names: {
            "area": filled(row, 0),
            "no_area": int(row["area"] is None),
        },
    ),
    Idiom(
        "outliers masked out, rows without area dropped",
        """
low, high = raw["area"].quantile([0.05, 0.95])
homes = raw[raw["area"].between(low, high)].dropna(subset=["area"]).reset_index(drop=True)
FEATURES = ["area", "rooms"]
""",
        lambda row, names: {"area": number(row["area"]), "rooms": row["rooms"]},
    ),
    Idiom(
        "values clipped to quantiles",
        """
homes = raw.copy()
low, high = homes["area"].quantile(0.1), homes["area"].quantile(0.9)
homes["area"] = homes["area"].clip(low, high).fillna(low)
FEATURES = ["area"]
""",
        lambda row, names: {
            "area": quantile(areas(names), 0.1)
            if row["area"] is None
            else min(
                max(row["area"], quantile(areas(names), 0.1)),
                quantile(areas(names), 0.9),
            )
        },
    ),
    Idiom(
        "query, sort and duplicates",
        """
homes = raw.query("rooms > 1 and built < 2015").sort_values("built").drop_duplicates("built")
FEATURES = ["rooms", "built"]
""",
        lambda row, names: {"rooms": row["rooms"], "built": row["built"]},
    ),
    Idiom(
        "ratios and logarithms",
        """
homes = raw.copy()
homes["per_room"] = np.log1p(homes["area"].fillna(0) / homes["rooms"])
homes["age"] = 2025 - homes.built
FEATURES = ["per_room", "age"]
""",
        lambda row, names: {
            "per_room": math.log1p(filled(row, 0) / row["rooms"]),
            "age": 2025 - row["built"],
        },
    ),
    Idiom(
        "assign with lambdas that look at the column",
        """
homes = raw.assign(
    area=lambda d: d["area"].fillna(d["area"].median()),
    ratio=lambda d: d["area"] / d["rooms"],
    above=lambda d: (d["rooms"] > d["rooms"].mean()).astype(int),
)
FEATURES = ["ratio", "above"]
""",
        lambda row, names: {
            "ratio": filled(row, median(areas(names))) / row["rooms"],
            "above": int(row["rooms"] > mean(names["raw"]["rooms"].tolist())),
        },
    ),
    Idiom(
        "a dict for words",
        """
homes = raw.copy()
homes["side"] = homes["district"].str.strip().str.lower().map({"north": 0, "south": 1, "east": 2}).fillna(9)
FEATURES = ["side", "rooms"]
""",
        lambda row, names: {
            "side": {"north": 0.0, "south": 1.0, "east": 2.0}.get(
                row["district"].strip().lower(), 9.0
            ),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "apply with a global that was computed from the rows",
        """
typical = raw["rooms"].mean()
def excess(rooms):
    return rooms - typical
homes = raw.copy()
homes["excess"] = homes["rooms"].apply(excess)
FEATURES = ["excess", "built"]
""",
        lambda row, names: {
            "excess": row["rooms"] - mean(names["raw"]["rooms"].tolist()),
            "built": row["built"],
        },
    ),
    Idiom(
        "apply along each row",
        """
homes = raw.copy()
homes["score"] = homes.apply(lambda row: row["rooms"] * 10 + len(row["note"]), axis=1)
FEATURES = ["score"]
""",
        lambda row, names: {"score": row["rooms"] * 10 + len(row["note"])},
    ),
    Idiom(
        "apply down each column",
        """
homes = raw.copy()
homes[["rooms", "built"]] = homes[["rooms", "built"]].apply(lambda c: (c - c.min()) / (c.max() - c.min()))
FEATURES = ["rooms", "built"]
""",
        lambda row, names: {
            name: (row[name] - min(names["raw"][name]))
            / (max(names["raw"][name]) - min(names["raw"][name]))
            for name in ("rooms", "built")
        },
    ),
    Idiom(
        "numpy.where at the median",
        """
homes = raw.copy()
homes["old"] = np.where(homes["built"] < homes["built"].median(), 1, 0)
FEATURES = ["old", "rooms"]
""",
        lambda row, names: {
            "old": int(row["built"] < median(names["raw"]["built"].tolist())),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "numpy.select",
        """
homes = raw.copy()
conditions = [homes["built"] < 1945, homes["built"] < 1990]
homes["era"] = np.select(conditions, [0, 1], default=2)
FEATURES = ["era", "rooms"]
""",
        lambda row, names: {
            "era": 0 if row["built"] < 1945 else 1 if row["built"] < 1990 else 2,
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "bins with fixed edges",
        """
homes = raw.copy()
edges = [0, 2, 4, 10]
homes["size"] = pd.cut(homes["rooms"], bins=edges, labels=[1, 2, 3]).astype(int)
FEATURES = ["size", "built"]
""",
        lambda row, names: {
            "size": 1 if row["rooms"] <= 2 else 2 if row["rooms"] <= 4 else 3,
            "built": row["built"],
        },
    ),
    Idiom(
        "numpy.digitize at quantiles of the rows",
        """
homes = raw.copy()
edges = np.quantile(homes["built"], [0.25, 0.5, 0.75])
homes["quarter"] = np.digitize(homes["built"], edges)
FEATURES = ["quarter", "rooms"]
""",
        lambda row, names: {
            "quarter": sum(
                row["built"] >= quantile(names["raw"]["built"].tolist(), share)
                for share in (0.25, 0.5, 0.75)
            ),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "ranks against the training rows",
        """
edges = np.quantile(raw["built"], np.linspace(0, 1, 11))
def share_below(years):
    return np.searchsorted(edges, years) / 10
homes = raw.assign(rank=share_below(raw["built"]))
FEATURES = ["rank", "rooms"]
""",
        lambda row, names: {
            "rank": sum(
                quantile(names["raw"]["built"].tolist(), number / 10) < row["built"]
                for number in range(11)
            )
            / 10,
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "means of groups, looked up",
        """
means = raw.groupby("district")["price"].mean()
homes = raw.copy()
homes["typical"] = homes["district"].map(means)
FEATURES = ["typical", "rooms"]
""",
        lambda row, names: {
            "typical": prices_by(names, "district")[row["district"]],
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "means of groups, joined",
        """
means = raw.groupby("district", as_index=False).agg(typical=("price", "mean"))
homes = raw.merge(means, on="district", how="left")
FEATURES = ["typical", "rooms"]
""",
        lambda row, names: {
            "typical": prices_by(names, "district")[row["district"]],
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "target encoding by hand, smoothed",
        """
overall = raw["price"].mean()
stats = raw.groupby("rooms")["price"].agg(["sum", "count"])
weights = (stats["sum"] + 5 * overall) / (stats["count"] + 5)
homes = raw.copy()
homes["encoded"] = homes["rooms"].map(weights).fillna(overall)
FEATURES = ["encoded", "built"]
""",
        lambda row, names: {"encoded": _smoothed(row, names), "built": row["built"]},
    ),
    Idiom(
        "a table of facts, joined inside",
        """
facts = pd.DataFrame({"district": ["north", "South", "east ", "west"], "metro": [3, 1, 0, 2]})
homes = raw.merge(facts, on="district")
FEATURES = ["metro", "rooms"]
""",
        lambda row, names: {
            "metro": {"north": 3, "South": 1, "east ": 0, "west": 2}[row["district"]],
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "the most common values, others together",
        """
common = raw["district"].value_counts().head(2).index
homes = raw.copy()
homes["common"] = homes["district"].isin(common).astype(int)
FEATURES = ["common", "rooms"]
""",
        lambda row, names: {
            "common": int(
                row["district"] in _most_common(names["raw"]["district"].tolist(), 2)
            ),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "values set through a mask",
        """
homes = raw.copy()
homes["tier"] = 0
homes.loc[homes["rooms"] > 3, "tier"] = 1
homes.loc[homes["built"] > 1990, "tier"] = homes["rooms"]
FEATURES = ["tier", "rooms"]
""",
        lambda row, names: {
            "tier": row["rooms"] if row["built"] > 1990 else int(row["rooms"] > 3),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "dates",
        """
homes = raw.copy()
homes["sold"] = pd.to_datetime(homes["sold"], format="%Y-%m-%d")
homes["month"] = homes["sold"].dt.month
homes["weekday"] = homes["sold"].dt.dayofweek
homes["ago"] = (homes["sold"].max() - homes["sold"]).dt.days
FEATURES = ["month", "weekday", "ago"]
""",
        lambda row, names: {
            "month": int(row["sold"][5:7]),
            "weekday": (days(row["sold"]) + 6) % 7,
            "ago": max(map(days, names["raw"]["sold"])) - days(row["sold"]),
        },
    ),
    Idiom(
        "lengths and words of a text",
        """
homes = raw.copy()
homes["letters"] = homes["note"].str.len()
homes["words"] = homes["note"].str.split().str.len()
homes["garden"] = homes["note"].str.contains("garden").astype(int)
FEATURES = ["letters", "words", "garden"]
""",
        lambda row, names: {
            "letters": len(row["note"]),
            "words": len(row["note"].split()),
            "garden": int("garden" in row["note"]),
        },
    ),
    Idiom(
        "a number out of a text",
        """
homes = raw.copy()
homes["code"] = homes["sold"].str.extract(r"-(\\d\\d)$")[0].astype(int)
FEATURES = ["code", "rooms"]
""",
        lambda row, names: {"code": int(row["sold"][-2:]), "rooms": row["rooms"]},
    ),
    Idiom(
        "a comprehension over rows",
        """
homes = raw.copy()
homes["vowels"] = [sum(letter in "aeiou" for letter in note) for note in homes["note"]]
FEATURES = ["vowels", "rooms"]
""",
        lambda row, names: {
            "vowels": sum(letter in "aeiou" for letter in row["note"]),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "a loop over rows that fills a list",
        """
points = []
for _, row in raw.iterrows():
    if row["rooms"] > 3:
        points.append(row["rooms"] * 2)
    else:
        points.append(row["built"] % 10)
homes = raw.copy()
homes["points"] = points
FEATURES = ["points"]
""",
        lambda row, names: {
            "points": row["rooms"] * 2 if row["rooms"] > 3 else row["built"] % 10
        },
    ),
    Idiom(
        "zip over two columns",
        """
homes = raw.copy()
homes["mix"] = [built - rooms for built, rooms in zip(homes["built"], homes["rooms"])]
FEATURES = ["mix"]
""",
        lambda row, names: {"mix": row["built"] - row["rooms"]},
    ),
    Idiom(
        "a function of features, called twice",
        """
def prepare(frame, factor=2):
    \"\"\"Adds columns.\"\"\"
    frame = frame.copy()
    frame["double"] = frame["rooms"] * factor
    if "extra" not in frame.columns:
        frame["extra"] = frame["built"] // 10
    return frame
homes = prepare(raw, factor=3)
other = prepare(raw.head(3))
FEATURES = ["double", "extra"]
""",
        lambda row, names: {"double": row["rooms"] * 3, "extra": row["built"] // 10},
    ),
    Idiom(
        "a chain of methods with pipe",
        """
def older(frame, year):
    return frame[frame["built"] < year]
homes = (
    raw.rename(columns=str.lower)
    .pipe(older, 2010)
    .assign(decade=lambda d: d["built"] // 10)
    .reset_index(drop=True)
)
FEATURES = ["decade", "rooms"]
""",
        lambda row, names: {"decade": row["built"] // 10, "rooms": row["rooms"]},
    ),
    Idiom(
        "columns renamed, moved and dropped",
        """
homes = raw.rename(columns={"built": "year", "rooms": "count"})
homes["log_price"] = np.log(homes["price"])
homes = homes.drop(columns=["log_price", "note"])
year = homes.pop("year")
homes["age"] = 2025 - year
del homes["sold"]
FEATURES = ["count", "age"]
""",
        lambda row, names: {"count": row["rooms"], "age": 2025 - row["built"]},
    ),
    Idiom(
        "columns chosen by their type",
        """
numbers = raw.drop(columns=["price"]).fillna(-1).select_dtypes("number")
homes = numbers.assign(price=raw["price"])
FEATURES = [column for column in homes.columns if column != "price"]
""",
        lambda row, names: {
            "area": filled(row, -1),
            "rooms": row["rooms"],
            "built": row["built"],
        },
    ),
    Idiom(
        "a decision on all rows",
        """
homes = raw.copy()
if homes["built"].skew() < 5:
    homes["built"] = homes["built"] - homes["built"].min()
else:
    homes["built"] = 0
FEATURES = ["built", "rooms"]
""",
        lambda row, names: {
            "built": row["built"] - min(names["raw"]["built"]),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "numpy standardised by hand",
        """
values = raw[["rooms", "built"]].to_numpy(dtype=float)
scaled = (values - values.mean(axis=0)) / values.std(axis=0)
homes = raw.copy()
homes["a"], homes["b"] = scaled[:, 0], scaled[:, 1]
FEATURES = ["a", "b"]
""",
        lambda row, names: {
            letter: (row[name] - mean(names["raw"][name].tolist()))
            / spread(names["raw"][name].tolist())
            for letter, name in (("a", "rooms"), ("b", "built"))
        },
    ),
    Idiom(
        "zeros filled through a mask",
        """
flags = np.zeros(len(raw))
flags[(raw["built"] > 1980).to_numpy()] = 1
homes = raw.assign(flag=flags)
FEATURES = ["flag", "rooms"]
""",
        lambda row, names: {"flag": float(row["built"] > 1980), "rooms": row["rooms"]},
    ),
    Idiom(
        "StandardScaler, fitted and applied at once",
        """
from sklearn.preprocessing import StandardScaler
scaler = StandardScaler()
homes = raw.copy()
homes[["rooms", "built"]] = scaler.fit_transform(homes[["rooms", "built"]])
FEATURES = ["rooms", "built"]
""",
        lambda row, names: {
            name: (row[name] - mean(names["raw"][name].tolist()))
            / spread(names["raw"][name].tolist())
            for name in ("rooms", "built")
        },
    ),
    Idiom(
        "one LabelEncoder for several columns",
        """
from sklearn.preprocessing import LabelEncoder
encoder = LabelEncoder()
homes = raw.copy()
for column in ["district", "note"]:
    homes[column] = encoder.fit_transform(homes[column])
FEATURES = ["district", "note"]
""",
        lambda row, names: {
            name: sorted(set(names["raw"][name])).index(row[name])
            for name in ("district", "note")
        },
    ),
    Idiom(
        "SimpleImputer",
        """
from sklearn.impute import SimpleImputer
imputer = SimpleImputer(strategy="mean")
homes = raw.copy()
homes["area"] = imputer.fit_transform(homes[["area"]])[:, 0]
FEATURES = ["area", "rooms"]
""",
        lambda row, names: {
            "area": filled(row, float(names["imputer"].statistics_[0])),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "a split first, medians of the training rows",
        """
from sklearn.model_selection import train_test_split
train, test = train_test_split(raw, test_size=0.25, random_state=3)
train, test = train.copy(), test.copy()
middle = train["area"].median()
train["area"] = train["area"].fillna(middle)
test["area"] = test["area"].fillna(middle)
FEATURES = ["area", "rooms"]
""",
        lambda row, names: {
            "area": filled(row, _training_median(names)),
            "rooms": row["rooms"],
        },
        model="""
# %%
model = DecisionTreeRegressor(random_state=0).fit(train[FEATURES], train["price"])
# %% score:predicted
predicted = model.predict(test[FEATURES])
""",
    ),
    Idiom(
        "train and test in one loop",
        """
train, test = raw.iloc[:60].copy(), raw.iloc[60:].copy()
for part in (train, test):
    part["area"] = part["area"].fillna(train["area"].mean())
    part["ratio"] = part["area"] / part["rooms"]
FEATURES = ["ratio", "built"]
""",
        lambda row, names: {
            "ratio": filled(row, names["train"]["area"].mean()) / row["rooms"],
            "built": row["built"],
        },
        model="""
# %%
model = DecisionTreeRegressor(random_state=0).fit(train[FEATURES], train["price"])
# %% score:predicted
predicted = model.predict(test[FEATURES])
""",
    ),
    Idiom(
        "the model in a pipeline with encoders",
        """
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["district"]), (SimpleImputer(), ["area"]), ("passthrough", ["rooms"])
)
homes = raw
FEATURES = ["district", "area", "rooms"]
""",
        lambda row, names: {
            "district": row["district"],
            "area": number(row["area"]),
            "rooms": row["rooms"],
        },
        model="""
# %%
model = make_pipeline(columns, DecisionTreeRegressor(random_state=0)).fit(homes[FEATURES], homes["price"])
# %% score:predicted
predicted = model.predict(homes[FEATURES])
""",
    ),
    Idiom(
        "a transformer that the notebook defines",
        """
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
class Ratio(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.middle_ = X["area"].median()
        return self
    def transform(self, X):
        return X.assign(area=X["area"].fillna(self.middle_) / X["rooms"])
homes = raw
FEATURES = ["area", "rooms"]
""",
        lambda row, names: {"area": number(row["area"]), "rooms": row["rooms"]},
        model="""
# %%
model = make_pipeline(Ratio(), DecisionTreeRegressor(random_state=0)).fit(homes[FEATURES], homes["price"])
# %% score:predicted
predicted = model.predict(homes[FEATURES])
""",
    ),
    Idiom(
        "a sparse matrix of words",
        """
from sklearn.feature_extraction.text import CountVectorizer
words = CountVectorizer()
counts = words.fit_transform(raw["note"])
homes = raw
FEATURES = ["note"]
""",
        lambda row, names: {"note": row["note"]},
        model="""
# %%
model = DecisionTreeRegressor(random_state=0).fit(counts, homes["price"])
# %% score:predicted
predicted = model.predict(counts)
""",
        answer=lambda frame, names: names["model"].predict(
            names["words"].transform(frame["note"])
        ),
    ),
    Idiom(
        "words and numbers side by side",
        """
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
words = TfidfVectorizer()
matrix = sparse.hstack([words.fit_transform(raw["note"]), raw[["rooms"]].to_numpy()]).tocsr()
homes = raw
FEATURES = ["note", "rooms"]
""",
        lambda row, names: {"note": row["note"], "rooms": row["rooms"]},
        model="""
# %%
model = DecisionTreeRegressor(random_state=0).fit(matrix, homes["price"])
# %% score:predicted
predicted = model.predict(matrix)
""",
        answer=lambda frame, names: names["model"].predict(
            names["sparse"]
            .hstack(
                [names["words"].transform(frame["note"]), frame[["rooms"]].to_numpy()]
            )
            .tocsr()
        ),
    ),
    Idiom(
        "clusters as a feature",
        """
from sklearn.cluster import KMeans
groups = KMeans(3, n_init=2, random_state=0).fit(raw[["rooms", "built"]])
homes = raw.assign(group=groups.predict(raw[["rooms", "built"]]))
FEATURES = ["group", "rooms"]
""",
        lambda row, names: {
            "group": _nearest(row, names["groups"].cluster_centers_),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "the prediction of one model as a feature of another",
        """
from sklearn.linear_model import LinearRegression
base = LinearRegression().fit(raw[["rooms", "built"]], raw["price"])
homes = raw.assign(base=base.predict(raw[["rooms", "built"]]))
FEATURES = ["base", "rooms"]
""",
        lambda row, names: {
            "base": float(names["base"].intercept_)
            + float(names["base"].coef_[0]) * row["rooms"]
            + float(names["base"].coef_[1]) * row["built"],
            "rooms": row["rooms"],
        },
        model="""
# %%
model = LinearRegression().fit(homes[FEATURES], homes["price"])
# %% score:predicted
predicted = model.predict(homes[FEATURES])
""",
    ),
    Idiom(
        "a logarithm of the target, taken back",
        'homes = raw.copy()\nFEATURES = ["rooms", "built"]',
        lambda row, names: {"rooms": row["rooms"], "built": row["built"]},
        model="""
# %%
model = DecisionTreeRegressor(max_depth=5, random_state=0).fit(homes[FEATURES], np.log1p(homes["price"]))
# %% score:predicted
predicted = np.expm1(model.predict(homes[FEATURES])).round(2)
""",
        answer=lambda frame, names: [
            round(math.expm1(v), 2) for v in names["model"].predict(frame)
        ],
    ),
    Idiom(
        "probabilities of classes",
        'homes = raw.assign(dear=(raw["price"] > raw["price"].median()).astype(int))\nFEATURES = ["rooms", "built"]',
        lambda row, names: {"rooms": row["rooms"], "built": row["built"]},
        model="""
# %%
model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(homes[FEATURES], homes["dear"])
# %% score:chance
chance = model.predict_proba(homes[FEATURES])[:, 1]
""",
        answer=lambda frame, names: names["model"].predict_proba(frame)[:, 1],
    ),
    Idiom(
        "words for predictions",
        'homes = raw.assign(kind=np.where(raw["price"] > 300, "dear", "cheap"))\nFEATURES = ["rooms", "built"]',
        lambda row, names: {"rooms": row["rooms"], "built": row["built"]},
        model="""
# %%
model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(homes[FEATURES], homes["kind"])
# %% score:kind
kind = pd.Series(model.predict(homes[FEATURES]), index=homes.index).str.upper()
""",
        answer=lambda frame, names: [
            word.upper() for word in names["model"].predict(frame)
        ],
    ),
    Idiom(
        "a frame built up from nothing",
        """
homes = pd.DataFrame()
homes["rooms"] = raw["rooms"]
homes["age"] = 2025 - raw["built"]
homes["price"] = raw["price"]
FEATURES = ["rooms", "age"]
""",
        lambda row, names: {"rooms": row["rooms"], "age": 2025 - row["built"]},
    ),
    Idiom(
        "columns side by side",
        """
left = raw[["rooms"]]
right = pd.DataFrame({"decade": raw["built"] // 10})
homes = pd.concat([left, right, raw[["price"]]], axis=1)
FEATURES = ["rooms", "decade"]
""",
        lambda row, names: {"rooms": row["rooms"], "decade": row["built"] // 10},
    ),
    Idiom(
        "polynomials and interactions",
        """
from sklearn.preprocessing import PolynomialFeatures
poly = PolynomialFeatures(2, include_bias=False)
made = poly.fit_transform(raw[["rooms", "built"]])
homes = pd.DataFrame(made, columns=poly.get_feature_names_out(), index=raw.index)
homes["price"] = raw["price"]
FEATURES = list(poly.get_feature_names_out())
""",
        lambda row, names: {
            "rooms": float(row["rooms"]),
            "built": float(row["built"]),
            "rooms^2": float(row["rooms"] ** 2),
            "rooms built": float(row["rooms"] * row["built"]),
            "built^2": float(row["built"] ** 2),
        },
    ),
    Idiom(
        "changes in place",
        """
homes = raw.copy()
homes.dropna(subset=["area"], inplace=True)
homes.drop(columns=["note"], inplace=True)
homes.rename(columns={"area": "metres"}, inplace=True)
homes.reset_index(drop=True, inplace=True)
homes["metres"] -= homes["metres"].min()
FEATURES = ["metres", "rooms"]
""",
        lambda row, names: {
            "metres": number(row["area"]) - min(areas(names)),
            "rooms": row["rooms"],
        },
    ),
]


def _smoothed(row: Row, names: Names) -> float:
    prices = names["raw"]["price"].tolist()
    overall = sum(prices) / len(prices)
    own = [
        p
        for r, p in zip(names["raw"]["rooms"], prices, strict=True)
        if r == row["rooms"]
    ]
    return (sum(own) + 5 * overall) / (len(own) + 5)


def _most_common(values: list[str], most: int) -> set[str]:
    from collections import Counter

    return {value for value, _ in Counter(values).most_common(most)}


def _training_median(names: Names) -> float:
    known = set(names["train"]["id"])
    return median(
        area
        for key, area in zip(names["raw"]["id"], names["raw"]["area"], strict=True)
        if key in known and not math.isnan(area)
    )


def _nearest(row: Row, centers: Any) -> int:
    distances = [
        (row["rooms"] - one[0]) ** 2 + (row["built"] - one[1]) ** 2
        for one in centers.tolist()
    ]
    return distances.index(min(distances))
