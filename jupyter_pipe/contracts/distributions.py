"""Distributions as profiles keep them: how much lies below a value, how far two of them
are apart. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from jupyter_pipe.artifacts.profile_record import PROBABILITIES, ColumnProfile
from jupyter_pipe.contracts.model import Reference

__all__ = [
    "REFERENCE_PROBABILITIES",
    "chance_index",
    "compared_shares",
    "is_numeric",
    "quantile",
    "reference_of",
    "share_below",
    "shares_of",
    "stability_index",
]

# Not the extremes: a single typing error moves the largest value anywhere.
REFERENCE_PROBABILITIES = (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
# A column with more values than these is numbers or texts without shares.
_FEW = 24
_OTHER = "(other)"
# A share of nothing would make the index infinite.
_LEAST_SHARE = 0.0005


def is_numeric(column: ColumnProfile) -> bool:
    """Whether the column has quantiles."""
    return len(column.quantiles) == len(PROBABILITIES)


def quantile(column: ColumnProfile, probability: float) -> float:
    """The value below which that share of the column lies, between the quantiles that
    are known."""
    return _interpolated(probability, PROBABILITIES, column.quantiles)


def share_below(column: ColumnProfile, value: float) -> float:
    """The share of the column's values that lie below `value`, 0 to 1."""
    # Outside of what was seen there is nothing to interpolate.
    if value <= column.quantiles[0]:
        return 0.0
    if value > column.quantiles[-1]:
        return 1.0
    return _interpolated(value, column.quantiles, PROBABILITIES)


def _interpolated(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """On the line through the points; of points above each other the first, so that
    "below" is below."""
    for place in range(1, len(xs)):
        if x <= xs[place]:
            width = xs[place] - xs[place - 1]
            # Several quantiles are the same value where many rows have it.
            if width <= 0:
                return ys[place - 1]
            part = (x - xs[place - 1]) / width
            return ys[place - 1] + part * (ys[place] - ys[place - 1])
    return ys[-1]


def shares_of(column: ColumnProfile) -> dict[str, float]:
    """Value -> share of the rows that are not null; what is not listed counts as one
    more value."""
    counted = sum(count for _, count in column.top)
    # The profile keeps the most frequent values; `filled` counts all rows with a value.
    total = max(counted, column.filled)
    if not total:
        return {}
    shares = {value: count / total for value, count in column.top}
    if total > counted:
        shares[_OTHER] = (total - counted) / total
    return shares


def reference_of(column: ColumnProfile) -> Reference | None:
    """What later batches of the column are compared with; None for what has no
    distribution."""
    if column.top and column.distinct <= _FEW:
        return Reference(
            shares={
                # Four digits: the reference stands in a file that people review.
                value: round(share, 4)
                for value, share in shares_of(column).items()
            }
        )
    if is_numeric(column):
        found = (quantile(column, each) for each in REFERENCE_PROBABILITIES)
        return Reference(quantiles=tuple(float(f"{value:.6g}") for value in found))
    return None


def compared_shares(
    reference: Reference, column: ColumnProfile
) -> tuple[list[float], list[float]]:
    """The shares of the same bins, as the reference has them and as the column has
    them."""
    if reference.shares:
        found = shares_of(column)
        # A value that one side lacks has the share 0 there, so that both have the same
        # bins.
        names = sorted(set(reference.shares) | set(found))
        return [reference.shares.get(name, 0.0) for name in names], [
            found.get(name, 0.0) for name in names
        ]
    # The outermost quantiles would be bins of one per cent, which chance fills.
    edges = reference.quantiles[1:-1]
    expected: list[float] = []
    below = [0.0]
    previous = None
    for edge, probability in zip(edges, REFERENCE_PROBABILITIES[1:-1], strict=True):
        if edge == previous:
            continue  # many rows have this very value: the bins would be empty
        expected.append(probability)
        below.append(share_below(column, edge))
        previous = edge
    expected = _differences([0.0, *expected, 1.0])
    return expected, _differences([*below, 1.0])


def _differences(values: Sequence[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(values)]


def stability_index(expected: Sequence[float], found: Sequence[float]) -> float:
    """The population stability index: the sum of `(q - p) ln(q / p)` over bins, 0 for
    equal shares.

    More than 0.2 is usually called a shift (Siddiqi, Credit Risk Scorecards, 2006).
    """
    pairs = (
        (max(p, _LEAST_SHARE), max(q, _LEAST_SHARE))
        for p, q in zip(expected, found, strict=True)
    )
    return sum((q - p) * math.log(q / p) for p, q in pairs)


def chance_index(bins: int, rows: int, reference_rows: int) -> float:
    """The index that two samples of one distribution have by chance, on average."""
    return (bins - 1) * (1 / max(rows, 1) + 1 / max(reference_rows, 1))
