"""Notebooks whose predictions no scorer can repeat for a single row, with the line that
is to blame.

`instead` is the name of the idiom that does the same in a way that can be scored: the
way out, which is tested.
"""

# ruff: noqa: E501 - notebooks stand here as they are written

from __future__ import annotations

from dataclasses import dataclass

from tests.scoring.idioms import MODEL

__all__ = ["TRAPS", "Trap"]


@dataclass(frozen=True)
class Trap:
    """`line` is a part of the line that the refusal must name, `instead` the idiom that
    can be scored."""

    name: str
    code: str
    line: str
    instead: str
    model: str = MODEL


def _feature(line: str, extra: str = "") -> str:
    return f'{extra}\nhomes = raw.fillna({{"area": 50}})\n{line}\nFEATURES = ["x", "rooms"]\n'


LOOKED_UP = "means of groups, looked up"
ENCODED = "one LabelEncoder for several columns"
BINS = "numpy.digitize at quantiles of the rows"
STEP = "gaps filled with the median"
EXPLICIT = "explicit"

TRAPS = [
    Trap(
        "a feature made of the target",
        _feature('homes["x"] = homes["price"] / homes["area"]'),
        '/ homes["area"]',
        STEP,
    ),
    Trap(
        "the target under another name",
        _feature('homes["x"] = homes["price"].round(-1)'),
        "round(-1)",
        STEP,
    ),
    Trap(
        "ranks in the batch",
        _feature('homes["x"] = homes["area"].rank()'),
        "rank()",
        "ranks against the training rows",
    ),
    Trap(
        "means of groups in the batch",
        _feature('homes["x"] = homes.groupby("district")["area"].transform("mean")'),
        "transform",
        LOOKED_UP,
    ),
    Trap(
        "numbers within a group",
        _feature('homes["x"] = homes.groupby("district").cumcount()'),
        "cumcount",
        LOOKED_UP,
    ),
    Trap(
        "the row before",
        _feature('homes["x"] = homes["area"].shift(1).fillna(0)'),
        "shift",
        EXPLICIT,
    ),
    Trap(
        "the difference to the row before",
        _feature('homes["x"] = homes["area"].diff().fillna(0)'),
        "diff",
        EXPLICIT,
    ),
    Trap(
        "a rolling mean",
        _feature('homes["x"] = homes["area"].rolling(3, min_periods=1).mean()'),
        "rolling",
        EXPLICIT,
    ),
    Trap(
        "an expanding mean",
        _feature('homes["x"] = homes["area"].expanding().mean()'),
        "expanding",
        EXPLICIT,
    ),
    Trap(
        "a running sum",
        _feature('homes["x"] = np.cumsum(homes["rooms"])'),
        "cumsum",
        EXPLICIT,
    ),
    Trap(
        "categories that the batch uses",
        _feature(
            'homes["x"] = homes["district"].astype("category").cat.remove_unused_categories().cat.codes'
        ),
        "remove_unused_categories",
        ENCODED,
    ),
    Trap(
        "words that the batch uses",
        _feature('homes["x"] = homes["note"].str.get_dummies(sep=" ").iloc[:, 0]'),
        "get_dummies",
        "the model in a pipeline with encoders",
    ),
    Trap(
        "selections that were changed apart, below each other",
        'homes = pd.concat([raw.head(40).assign(x=1), raw.tail(40).assign(x=0)])\nFEATURES = ["x", "rooms"]',
        "concat",
        STEP,
    ),
    Trap(
        "the hour of the index",
        'dates = pd.to_datetime(raw["sold"])\nhomes = raw.set_index(dates)\n'
        'homes["x"] = homes.index.month\nFEATURES = ["x", "rooms"]',
        "index.month",
        "dates",
    ),
    Trap("the index", _feature('homes["x"] = homes.index'), "homes.index", EXPLICIT),
    Trap(
        "numbers of rows",
        _feature('homes["x"] = np.arange(len(homes))'),
        "arange",
        EXPLICIT,
    ),
    Trap(
        "numbers of rows, counted in a loop",
        _feature('homes["x"] = [i for i, _ in enumerate(homes["area"])]'),
        "enumerate",
        EXPLICIT,
    ),
    Trap(
        "noise",
        _feature('homes["x"] = np.random.default_rng(0).normal(size=len(homes))'),
        "normal(size",
        EXPLICIT,
    ),
    Trap(
        "seeded noise",
        _feature('np.random.seed(1)\nhomes["x"] = np.random.rand(len(homes))'),
        "rand(len",
        EXPLICIT,
    ),
    Trap(
        "values remembered by position",
        _feature('homes["x"] = memory', "memory = np.linspace(0, 1, 80)"),
        "= memory",
        EXPLICIT,
    ),
    Trap(
        "values remembered by index",
        _feature(
            'homes["x"] = memory', "memory = pd.Series(range(80), dtype=float) ** 2"
        ),
        "= memory",
        EXPLICIT,
    ),
    Trap(
        "values remembered by key",
        _feature('homes["x"] = homes["id"].map(raw.groupby("id")["price"].mean())'),
        "groupby",
        LOOKED_UP,
    ),
    Trap(
        "values remembered in a dict",
        _feature(
            'homes["x"] = homes["id"].map(memory)',
            'memory = dict(zip(raw["id"], raw["built"]))',
        ),
        "map(memory)",
        LOOKED_UP,
    ),
    Trap(
        "what stands twice",
        _feature('homes["x"] = homes.duplicated("built").astype(int)'),
        "duplicated",
        EXPLICIT,
    ),
    Trap(
        "gaps filled from above",
        _feature('homes["x"] = raw["area"].ffill().fillna(0)'),
        "ffill",
        STEP,
    ),
    Trap(
        "gaps filled between neighbours",
        _feature('homes["x"] = raw["area"].interpolate().fillna(0)'),
        "interpolate",
        STEP,
    ),
    Trap(
        "a function that looks at all rows",
        _feature(
            'homes["x"] = homes["area"].apply(lambda a: a - homes["area"].mean())'
        ),
        "lambda",
        "apply with a global that was computed from the rows",
    ),
    Trap(
        "each row compared with all",
        _feature('homes["x"] = [sum(homes["area"] < a) for a in homes["area"]]'),
        "sum(homes",
        "ranks against the training rows",
    ),
    Trap(
        "scipy's z-scores",
        _feature(
            'homes["x"] = zscore(homes["area"])', "from scipy.stats import zscore"
        ),
        "zscore(",
        "StandardScaler, fitted and applied at once",
    ),
    Trap(
        "scaled without an object",
        _feature(
            'homes["x"] = scale(homes["area"])',
            "from sklearn.preprocessing import scale",
        ),
        "scale(",
        "StandardScaler, fitted and applied at once",
    ),
    Trap(
        "an unknown function that looks at the batch",
        _feature(
            'homes["x"] = normed(homes["area"])',
            "normed = np.vectorize(lambda v, m: v / m, excluded=[1])\nnormed = (lambda f: lambda s: f(s, s.max()))(normed)",
        ),
        "",
        "numpy standardised by hand",
    ),
    Trap(
        "predictions of folds",
        'from sklearn.model_selection import cross_val_predict\nhomes = raw\nFEATURES = ["rooms", "built"]',
        "cross_val_predict(",
        "the model in a pipeline with encoders",
        model="""
# %% score:predicted
predicted = cross_val_predict(DecisionTreeRegressor(random_state=0), homes[FEATURES], homes["price"], cv=4)
""",
    ),
    Trap(
        "an encoder that treats training rows otherwise",
        "from sklearn.preprocessing import TargetEncoder\nencoder = TargetEncoder(random_state=0)\nhomes = raw.copy()\n"
        'homes["x"] = encoder.fit_transform(homes[["district"]], homes["price"])[:, 0]\nFEATURES = ["x", "rooms"]',
        "",
        "target encoding by hand, smoothed",
    ),
    Trap(
        "clusters without a way to predict",
        _feature(
            'homes["x"] = DBSCAN(eps=5).fit_predict(homes[["area", "rooms"]])',
            "from sklearn.cluster import DBSCAN",
        ),
        "DBSCAN",
        "clusters as a feature",
    ),
    Trap(
        "a join with a table in which keys stand twice",
        _feature(
            'homes = homes.merge(twice, on="district").drop_duplicates("id")',
            'twice = pd.DataFrame({"district": ["north", "north", "South", "east ", "west"], "x": range(5)})',
        ),
        "merge",
        "a table of facts, joined inside",
    ),
    Trap(
        "days until today",
        _feature(
            'homes["x"] = (pd.Timestamp.today() - pd.to_datetime(homes["sold"])).dt.days'
        ),
        "today()",
        "dates",
    ),
    Trap(
        "values of a selection put beside all",
        _feature(
            'large = homes[homes["rooms"] > 2]\nhomes["x"] = large["area"] * 2\nhomes["x"] = homes["x"].fillna(0)'
        ),
        'homes["x"] = large',
        "values set through a mask",
    ),
    Trap(
        "values of a selection, scored within it",
        """
homes = raw.copy()
large = homes[homes["rooms"] > 2]
homes["x"] = large["built"] * 2
homes["x"] = homes["x"].fillna(0)
homes = homes[homes["rooms"] > 2]
FEATURES = ["x", "rooms"]
""",
        'homes["x"] = large',
        "values set through a mask",
    ),
    Trap(
        "a transformer of the notebook that looks at the batch",
        """
from sklearn.base import BaseEstimator, TransformerMixin
class Centre(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self
    def transform(self, X):
        return X - X.mean()
homes = raw.copy()
homes["x"] = Centre().fit_transform(homes[["built"]])["built"]
FEATURES = ["x", "rooms"]
""",
        "Centre()",
        "a transformer that the notebook defines",
    ),
    Trap(
        "a loop over groups",
        'parts = []\nfor _, group in raw.groupby("district"):\n    parts.append(group.assign(x=group["rooms"].mean()))\n'
        'homes = pd.concat(parts).sort_index()\nFEATURES = ["x", "rooms"]',
        "",
        LOOKED_UP,
    ),
    Trap(
        "predictions ranked",
        'homes = raw\nFEATURES = ["rooms", "built"]',
        "argsort",
        "a logarithm of the target, taken back",
        model="""
# %%
model = DecisionTreeRegressor(random_state=0).fit(homes[FEATURES], homes["price"])
# %% score:place
place = np.argsort(model.predict(homes[FEATURES]))
""",
    ),
    *(
        Trap(
            f"polars: {name}",
            "import polars as pl\n"
            'columns = pl.DataFrame({name: raw[name].to_numpy() for name in ("built", "rooms")})\n'
            f'wide = columns.with_columns(({expression}).alias("x"))\n'
            'homes = raw.assign(x=wide["x"].to_numpy())\nFEATURES = ["x", "rooms"]',
            "with_columns",
            instead,
        )
        for name, expression, instead in (
            (
                "distance from a median",
                'pl.col("built") - pl.col("built").median()',
                STEP,
            ),
            ("a mean over groups", 'pl.col("built").mean().over("rooms")', LOOKED_UP),
            ("a rank", 'pl.col("built").rank()', BINS),
            ("the row before", 'pl.col("rooms").shift(1).fill_null(0)', EXPLICIT),
        )
    ),
]
