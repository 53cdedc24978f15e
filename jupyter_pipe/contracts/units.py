"""Whether one distribution is another one in another unit: one factor between all
quantiles. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from jupyter_pipe.artifacts.profile_record import ColumnProfile
from jupyter_pipe.contracts.distributions import (
    REFERENCE_PROBABILITIES,
    is_numeric,
    quantile,
)
from jupyter_pipe.contracts.model import Reference

__all__ = ["Factor", "find_factor"]

# What was expected, what was found, and how much larger the number becomes.
_CONVERSIONS = (
    ("square metres", "square feet", 10.7639),
    ("kilometres", "miles", 0.621371),
    ("metres", "feet", 3.28084),
    ("centimetres", "inches", 0.393701),
    ("kilograms", "pounds", 2.20462),
    ("grams", "ounces", 0.035274),
    ("hectares", "acres", 2.47105),
    ("litres", "gallons", 0.264172),
    ("kilowatt hours", "megajoules", 3.6),
    ("minutes", "seconds", 60.0),
    ("hours", "seconds", 3600.0),
    ("days", "hours", 24.0),
)
# Powers of ten have no names of their own in data: what became larger, what became
# smaller.
_POWERS = (
    (10.0, "tenths instead of whole units", "tens instead of whole units"),
    (
        100.0,
        "hundredths, such as cents, instead of whole units",
        "shares instead of per cent",
    ),
    (
        1e3,
        "a unit a thousand times smaller, such as metres for kilometres",
        "thousands instead of whole units",
    ),
    (1e6, "a unit a million times smaller", "millions instead of whole units"),
)
# Weekly batches of 360 rows put quantiles off by some per cent.
_TOLERANCE = 0.08
_SPREAD = 0.16
# Fewer rows have quantiles that are off by more than the units differ.
_LEAST_ROWS = 30
_SAME = 0.15


class Factor(Struct, frozen=True):
    """The column is `ratio` times what was expected; `words` say which units that may
    be, if it is known."""

    ratio: float
    words: str = ""

    @property
    def is_one(self) -> bool:
        return abs(math.log(self.ratio)) < _SAME


def find_factor(reference: Reference | None, column: ColumnProfile) -> Factor | None:
    """The one factor between the reference's quantiles and the column's; None if there
    is no single one."""
    if reference is None or not reference.quantiles or not is_numeric(column):
        return None
    if column.filled < _LEAST_ROWS:
        # A factor needs numbers on both sides; texts have none.
        return None
    logs = _log_ratios(reference, column)
    # Of nine quantiles some may be 0 or of another sign, but not more than one.
    if len(logs) < len(REFERENCE_PROBABILITIES) - 3:
        return None
    middle = sorted(logs)[len(logs) // 2]
    if max(abs(each - middle) for each in logs) > _SPREAD:
        return None
    return Factor(math.exp(middle), _words(middle))


def _log_ratios(reference: Reference, column: ColumnProfile) -> list[float]:
    """At 10 % to 90 %: typing errors live further out."""
    logs = []
    known: Mapping[float, float] = dict(
        zip(REFERENCE_PROBABILITIES, reference.quantiles, strict=True)
    )
    for probability in REFERENCE_PROBABILITIES[1:-1]:
        found = quantile(column, probability)
        # The logarithm of a ratio needs the same sign on both sides.
        if known[probability] * found > 0:
            logs.append(math.log(found / known[probability]))
    return logs


def _words(log_ratio: float) -> str:
    """The factor in words, such as "feet instead of metres" or a power of ten; empty if
    it is about 1 or means nothing that we know."""
    if abs(log_ratio) < _SAME:
        return ""
    # Conversions before powers of ten: 60 is minutes, and near no power.
    for smaller, larger, factor in _CONVERSIONS:
        if abs(log_ratio - math.log(factor)) < _TOLERANCE:
            return f"{larger} instead of {smaller}"
        if abs(log_ratio + math.log(factor)) < _TOLERANCE:
            return f"{smaller} instead of {larger}"
    for factor, increased, decreased in _POWERS:
        if abs(abs(log_ratio) - math.log(factor)) < _TOLERANCE:
            return increased if log_ratio > 0 else decreased
    return ""
