"""Idioms of public notebooks: what pandas learns from all rows at once, and selections
made group by group."""

# ruff: noqa: E501 - notebooks stand here as they are written

from __future__ import annotations

import math
from statistics import median
from typing import Any

from tests.scoring.idioms import Idiom, Names, Row, filled, number

__all__ = ["LEARNED"]

_DISTRICTS = ("South", "east ", "north", "west")


def _dummies(row: Row, prefix: str = "", first: int = 0) -> Row:
    return {f"{prefix}{name}": row["district"] == name for name in _DISTRICTS[first:]}


def _edges(names: Names) -> list[float]:
    low, high = min(names["raw"]["rooms"]), max(names["raw"]["rooms"])
    return [low + (high - low) * part / 3 for part in (1, 2)]


def _first_seen(names: Names) -> list[Any]:
    return list(dict.fromkeys(names["raw"]["district"]))


def _mean_built(row: Row, names: Names) -> float:
    own = names["raw"][names["raw"]["district"] == row["district"]]["built"].tolist()
    return sum(own) / len(own)


def _is_common(row: Row, names: Names, least: int = 20) -> bool:
    return names["raw"]["district"].tolist().count(row["district"]) >= least


LEARNED = [
    Idiom(
        "dummies of a column, put beside",
        'homes = pd.concat([raw, pd.get_dummies(raw["district"], prefix="d")], axis=1)\n'
        'FEATURES = ["rooms", "d_South", "d_east ", "d_north", "d_west"]',
        lambda row, names: {"rooms": row["rooms"], **_dummies(row, "d_")},
    ),
    Idiom(
        "dummies of a frame, without the first",
        'homes = pd.get_dummies(raw.drop(columns=["note", "sold", "id", "area"]), drop_first=True)\n'
        'FEATURES = [c for c in homes if c != "price"]',
        lambda row, names: {
            "rooms": row["rooms"],
            "built": row["built"],
            **_dummies(row, "district_", first=1),
        },
    ),
    Idiom(
        "dummies of some columns, with prefixes",
        'homes = pd.get_dummies(raw, columns=["district", "rooms"], prefix=["d", "r"], dtype=int)\n'
        'FEATURES = ["built", "d_north", "r_3"]',
        lambda row, names: {
            "built": row["built"],
            "d_north": int(row["district"] == "north"),
            "r_3": int(row["rooms"] == 3),
        },
    ),
    Idiom(
        "dummies in a loop, joined",
        """
homes = raw
for column in ["district"]:
    homes = homes.join(pd.get_dummies(raw[column], prefix=column))
homes = homes.drop(homes.columns[[0, 3, 5, 6]], axis=1)
FEATURES = ["rooms", "district_west"]
""",
        lambda row, names: {
            "rooms": row["rooms"],
            "district_west": row["district"] == "west",
        },
    ),
    Idiom(
        "bins of the rows",
        'homes = raw.copy()\nhomes["x"] = pd.cut(homes["rooms"], 3, labels=False)\nFEATURES = ["x", "built"]',
        lambda row, names: {
            "x": sum(row["rooms"] > edge for edge in _edges(names)),
            "built": row["built"],
        },
    ),
    Idiom(
        "bins with names, encoded",
        'homes = raw.copy()\nhomes["size"] = pd.cut(homes["rooms"], 3, labels=["small", "middle", "large"])\n'
        'homes = homes.join(pd.get_dummies(homes["size"]))\nFEATURES = ["small", "large", "built"]',
        lambda row, names: {
            "small": row["rooms"] <= _edges(names)[0],
            "large": row["rooms"] > _edges(names)[1],
            "built": row["built"],
        },
    ),
    Idiom(
        "quantile bins of the rows",
        'homes = raw.copy()\nhomes["x"] = pd.qcut(homes["rooms"], 2, labels=False)\nFEATURES = ["x", "built"]',
        lambda row, names: {
            "x": int(row["rooms"] > names["raw"]["rooms"].median()),
            "built": row["built"],
        },
    ),
    Idiom(
        "codes in order of appearance",
        'homes = raw.copy()\nhomes["x"] = pd.factorize(homes["district"])[0]\nFEATURES = ["x", "rooms"]',
        lambda row, names: {
            "x": _first_seen(names).index(row["district"]),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "codes of a category",
        'homes = raw.copy()\nhomes["x"] = homes["district"].astype("category").cat.codes\nFEATURES = ["x", "rooms"]',
        lambda row, names: {
            "x": _DISTRICTS.index(row["district"]),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "codes of all texts, in a loop",
        """
homes = raw.copy()
for column, content in homes.items():
    if not pd.api.types.is_numeric_dtype(content):
        homes[column] = pd.Categorical(content).codes + 1
FEATURES = ["district", "rooms"]
""",
        lambda row, names: {
            "district": _DISTRICTS.index(row["district"]) + 1,
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "columns made categories at once",
        'homes = raw.astype({"district": "category", "rooms": float})\n'
        'homes["x"] = homes["district"].cat.codes\nFEATURES = ["x", "rooms"]',
        lambda row, names: {
            "x": _DISTRICTS.index(row["district"]),
            "rooms": float(row["rooms"]),
        },
    ),
    Idiom(
        "rare values as one",
        """
counts = raw["district"].value_counts()
rare = counts[counts < 20]
homes = raw.copy()
homes["district"] = homes["district"].apply(lambda name: "other" if name in rare else name)
homes = pd.concat([homes, pd.get_dummies(homes["district"])], axis="columns")
FEATURES = ["rooms", "other"]
""",
        lambda row, names: {"rooms": row["rooms"], "other": not _is_common(row, names)},
    ),
    Idiom(
        "selections below each other",
        'homes = pd.concat([raw.tail(40), raw.head(30), raw.head(30)], ignore_index=True)\nFEATURES = ["rooms", "built"]',
        lambda row, names: {"rooms": row["rooms"], "built": row["built"]},
    ),
    Idiom(
        "outliers removed group by group",
        """
def without_outliers(frame):
    kept = pd.DataFrame()
    for key, group in frame.groupby("district"):
        middle, spread = np.mean(group.price), np.std(group.price)
        inside = group[(group.price > middle - spread) & (group.price <= middle + spread)]
        kept = pd.concat([kept, inside], ignore_index=True)
    return kept
homes = without_outliers(raw)
FEATURES = ["area", "rooms"]
""",
        lambda row, names: {"area": number(row["area"]), "rooms": row["rooms"]},
    ),
    Idiom(
        "rows dropped by labels from groups",
        """
dropped = np.array([])
for _, group in raw.groupby("district"):
    dropped = np.append(dropped, group[group["price"] > 2 * group["price"].mean()].index.values)
homes = raw.drop(dropped, axis="index")
FEATURES = ["rooms", "built"]
""",
        lambda row, names: {"rooms": row["rooms"], "built": row["built"]},
    ),
    Idiom(
        "means of groups, collected in a loop",
        """
means = {}
for key, group in raw.groupby("district"):
    means[key] = group["built"].mean()
homes = raw.copy()
homes["x"] = homes["district"].map(means)
FEATURES = ["x", "rooms"]
""",
        lambda row, names: {"x": _mean_built(row, names), "rooms": row["rooms"]},
    ),
    Idiom(
        "a stratified split, taken from its loop",
        """
from sklearn.model_selection import StratifiedShuffleSplit
raw["class"] = pd.cut(raw["rooms"], bins=[0, 3, 9], labels=[1, 2])
for learn, check in StratifiedShuffleSplit(n_splits=1, test_size=0.3, random_state=1).split(raw, raw["class"]):
    train, homes = raw.loc[learn], raw.loc[check].copy()
for part in (train, homes):
    part.drop("class", axis=1, inplace=True)
homes["area"] = homes["area"].fillna(train["area"].median())
FEATURES = ["area", "rooms"]
""",
        lambda row, names: {
            "area": filled(
                row,
                median(a for a in names["train"]["area"].tolist() if not math.isnan(a)),
            ),
            "rooms": row["rooms"],
        },
    ),
    Idiom(
        "all columns but the target",
        """
homes = raw[["rooms", "built", "price"]]
X = homes.loc[:, homes.columns != "price"]
FEATURES = list(X)
""",
        lambda row, names: {"rooms": row["rooms"], "built": row["built"]},
        model="""
# %%
model = DecisionTreeRegressor(max_depth=7, random_state=0).fit(X, homes["price"])
# %% score:predicted
predicted = model.predict(X)
""",
    ),
    Idiom(
        "a yes or no",
        'homes = raw.fillna({"area": 50})\nFEATURES = ["rooms", "built"]',
        lambda row, names: {"rooms": row["rooms"], "built": row["built"]},
        model="""
# %%
model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(homes[FEATURES], homes["price"] > 300)
# %% score:predicted
predicted = model.predict(homes[FEATURES])
""",
    ),
]
