"""What calls do, as a table: a verb for a cell that makes such a call, and how much
work it is.

Names are those of functions and methods, whatever they belong to. The first line that
fits a cell speaks for it, so the rarer and heavier stand above.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

__all__ = ["NOTHING", "Verb", "find_verb"]


class Verb(Struct, frozen=True):
    """`effort` counts as much as so many plain statements. A `shows` verb makes nothing
    that another cell could need."""

    name: str
    effort: float
    shows: bool = False


NOTHING = Verb("", 0.0)

_TABLE = (
    (
        Verb("train", 10.0),
        r"fit|fit_predict|partial_fit|train|train_model|optimize|minimize|sample_posterior|cross_val_\w+"
        r"|GridSearchCV|RandomizedSearchCV|compile_model|learn_one",
    ),
    (Verb("split", 1.0), r"train_test_split|random_split|\w*KFold|TimeSeriesSplit"),
    (
        Verb("load", 3.0),
        r"read_\w+|load|load_\w+|loadtxt|genfromtxt|fetch\w*|urlretrieve|urlopen|download\w*|scan_\w+"
        r"|get_dataset|ImageFolder|DataReader",
    ),
    (
        Verb("evaluate", 2.0),
        r"predict|predict_proba|evaluate|score|\w+_score|\w+_error|classification_report|confusion_matrix"
        r"|roc_curve|permutation_importance",
    ),
    (
        Verb("features", 1.0),
        r"fit_transform|get_dummies|make_column_transformer|StandardScaler|MinMaxScaler|OneHotEncoder"
        r"|LabelEncoder|PolynomialFeatures|\w+Vectorizer|PCA|cut|qcut|shift|rolling",
    ),
    (
        Verb("clean", 1.0),
        r"dropna|fillna|drop_duplicates|interpolate|to_datetime|to_numeric|isna|isnull|duplicated",
    ),
    (Verb("combine", 1.0), r"merge|concat|concatenate|join|hstack|vstack"),
    (Verb("aggregate", 1.0), r"groupby|pivot|pivot_table|agg|resample|crosstab"),
    (
        Verb("save", 1.0),
        r"to_(csv|parquet|excel|json|pickle|sql|feather|hdf)|dump|save|savefig|write_text",
    ),
    (
        Verb("plot", 0.0, shows=True),
        r"plot|hist|scatter|bar|barh|boxplot|imshow|subplots|figure|show|heatmap|\w+plot|from_predictions",
    ),
    (
        Verb("explore", 0.0, shows=True),
        r"head|tail|describe|info|value_counts|display|print|sample|nunique|unique|corr",
    ),
)
_COMPILED = tuple((verb, re.compile(pattern)) for verb, pattern in _TABLE)


def find_verb(calls: Iterable[str]) -> Verb:
    """What a cell that makes these calls does."""
    names = tuple(calls)
    for verb, pattern in _COMPILED:
        if any(pattern.fullmatch(name) for name in names):
            return verb
    return NOTHING
