"""What to write instead of what cannot be scored row by row."""

from __future__ import annotations

__all__ = ["EXPLICIT_FORM", "way_out"]

EXPLICIT_FORM = (
    "Score a sample in a stage of its own: tag the cell that makes the sample rows:NAME and the cell that "
    "predicts score:NAME, with nothing between them that needs other rows."
)

_COLUMN = (
    "What a row has of its neighbours belongs to the raw rows: make it a column in the cell tagged rows:, "
    "such as raw['before'] = raw[column].shift(1), and send it with each row."
)
_CONSTANT = (
    "Compute it once, above, and use the number: middle = rows[column].median(), then "
    "(pl.col(column) - middle)."
)

# A part of the call's name -> what gives the same for a single row.
_WAYS = {
    "groupby": (
        "Compute the statistic of each group once, from the training rows, and look it up: "
        "means = train.groupby(key)[column].mean(); rows[column] = rows[key].map(means)."
    ),
    "over(": (
        "Compute the statistic of each group once, and join it: means = rows.group_by(key).agg("
        "pl.col(column).mean()), then rows.join(means, on=key, how='left')."
    ),
    "get_dummies": (
        "Make a column for each word: rows[column].str.contains(word), or fit MultiLabelBinarizer."
    ),
    "remove_unused_categories": "Leave it out: the categories of the training rows are kept.",
    "rank": (
        "Rank against quantiles of the training rows: edges = np.quantile(train[column], "
        "np.linspace(0, 1, 101)); np.searchsorted(edges, rows[column])."
    ),
    "fill": "Fill gaps with what the training rows say: rows[column].fillna(train[column].median()).",
    "interpolate": "Fill gaps with what the training rows say: rows[column].fillna(train[column].median()).",
    "scale": "Fit a scaler to the training rows, and transform with it.",
    "score": "Fit a scaler to the training rows, and transform with it.",
    "apply": "Loop over the columns by name, so that what is computed of all rows can be told apart.",
    "predict": "Fit the model to the training rows, and predict with it.",
    "index": "Make it a column in the cell tagged rows: raw = raw.reset_index().",
    **dict.fromkeys(
        ("shift", "diff", "rolling", "expanding", "ewm", "cum", "pct_change"), _COLUMN
    ),
    **dict.fromkeys(("duplicated", "before", "arange"), _COLUMN),
    **dict.fromkeys(
        ("median(", "mean(", "min(", "max(", "sum(", "std(", "quantile("), _CONSTANT
    ),
}


def way_out(about: str) -> str:
    """What to do about a call, such as `groupby(…).transform`, that mixes rows."""
    # The first word that fits: special ones stand above.
    found = next((way for word, way in _WAYS.items() if word in about), "")
    return f"{found} Or: {EXPLICIT_FORM}" if found else EXPLICIT_FORM
