"""What to write instead of what cannot be scored row by row."""

from __future__ import annotations

__all__ = ["EXPLICIT_FORM", "way_out"]

EXPLICIT_FORM = (
    "Score a sample in a stage of its own: tag the cell that makes the sample rows:NAME and the cell that "
    "predicts score:NAME, with nothing between them that needs other rows."
)

# A part of the call's name -> what gives the same for a single row.
_WAYS = {
    "groupby": (
        "Compute the statistic of each group once, from the training rows, and look it up: "
        "means = train.groupby(key)[column].mean(); rows[column] = rows[key].map(means)."
    ),
    "get_dummies": (
        "Make a column for each word: rows[column].str.contains(word), or fit MultiLabelBinarizer."
    ),
    "remove_unused_categories": "Leave it out: the categories of the training rows are kept.",
    "rank": (
        "Rank against quantiles of the training rows: edges = np.quantile(train[column], "
        "np.linspace(0, 1, 101)); np.searchsorted(edges, rows[column])."
    ),
    "factorize": "Fit OrdinalEncoder to the training rows, and transform with it.",
    "scale": "Fit a scaler to the training rows, and transform with it.",
    "apply": "Loop over the columns by name, so that what is computed of all rows can be told apart.",
}


def way_out(about: str) -> str:
    """What to do about a call, such as `groupby(…).transform`, that mixes rows."""
    found = next((way for word, way in _WAYS.items() if word in about), "")
    return f"{found} Or: {EXPLICIT_FORM}" if found else EXPLICIT_FORM
