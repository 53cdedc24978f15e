"""What moved between two profiles of one value, column by column. Pure.

Numbers are compared by the population stability index and the distance of their
distribution functions (Kolmogorov and Smirnov), texts by the index and chi square. A
column has *moved* if the index is above 0.2 and what chance makes of it, and the test
says so with p < 0.05 over the number of columns; numbers also if their distribution
functions are 0.125 apart, with p < 0.001. Of 48 stable weeks of the example none is
called moved. Fewer than 30 rows are `unknown`, never fine.
"""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

from jupyter_pipe.artifacts.profile_record import PROBABILITIES, ColumnProfile, Profile
from jupyter_pipe.contracts.distributions import (
    chance_index,
    compared_shares,
    is_numeric,
    quantile,
    reference_of,
    share_below,
    shares_of,
    stability_index,
)
from jupyter_pipe.contracts.model import Reference
from jupyter_pipe.contracts.units import find_factor

__all__ = ["ColumnDrift", "Drift", "DriftState", "find_drift"]

DriftState = Literal["same", "moved", "new", "gone", "type", "unknown"]
_MOVED = 0.2
_SIGNIFICANT = 0.05
_APART = 0.125
_SURE = 0.001
_LEAST_ROWS = 30


class ColumnDrift(Struct, frozen=True, omit_defaults=True):
    """One column: how far it moved. `index` is the stability index, `distance` the
    largest difference of the distribution functions (numbers) or half the sum of the
    differences of shares (texts), both 0 to 1. `p` is the chance of that much without a
    cause. `note` says in words what moved."""

    name: str
    state: DriftState
    index: float | None = None
    distance: float | None = None
    p: float | None = None
    note: str = ""
    before: ColumnProfile | None = None
    after: ColumnProfile | None = None


class Drift(Struct, frozen=True, omit_defaults=True):
    """All columns of one value, those that moved first."""

    value: str
    rows: tuple[int | None, int | None]
    columns: tuple[ColumnDrift, ...]

    @property
    def moved(self) -> tuple[ColumnDrift, ...]:
        """The columns that are not as they were."""
        return tuple(
            column for column in self.columns if column.state not in ("same", "unknown")
        )


def find_drift(value: str, before: Profile, after: Profile) -> Drift:
    """What moved from one profile to the other."""
    # Columns that are new come last.
    names = list(
        dict.fromkeys(column.name for column in (*before.columns, *after.columns))
    )
    found = [
        _column(name, before.column(name), after.column(name), len(names))
        for name in names
    ]
    ordered = sorted(
        found,
        # What moved comes first, and of that the largest index.
        key=lambda each: (each.state in ("same", "unknown"), -(each.index or 0.0)),
    )
    return Drift(value, (before.rows, after.rows), tuple(ordered))


def _is_of_another_type(before: ColumnProfile, after: ColumnProfile) -> bool:
    """Whole numbers with a gap become fractions: these two count as one type."""
    return before.type != after.type and {before.type, after.type} != {"int", "float"}


def _column(
    name: str, before: ColumnProfile | None, after: ColumnProfile | None, columns: int
) -> ColumnDrift:
    """What happened to one column: new, gone, of another type, moved, the same, or
    unknown for lack of rows. The more columns are compared, the smaller `p` must be, or
    chance alone would find one."""
    if before is None:
        return ColumnDrift(name, "new", after=after)
    if after is None:
        return ColumnDrift(name, "gone", before=before)
    if _is_of_another_type(before, after):
        return ColumnDrift(
            name,
            "type",
            note=f"{before.type} became {after.type}",
            before=before,
            after=after,
        )
    reference = reference_of(before)
    if reference is None or min(before.filled, after.filled) < _LEAST_ROWS:
        return ColumnDrift(
            name,
            "unknown",
            note=_why_unknown(before, after),
            before=before,
            after=after,
        )
    expected, found = compared_shares(reference, after)
    index = stability_index(expected, found)
    distance, p = _tested(before, after, expected, found)
    limit = _MOVED + chance_index(len(expected), after.filled, before.filled)
    # Bonferroni: with forty columns, one in twenty would be called moved by chance.
    moved = (index > limit and p < _SIGNIFICANT / columns) or (
        # Of 14 weeks whose prices were raised by a quarter, the index misses four, of
        # 0.15 to 0.22.
        is_numeric(before)
        and is_numeric(after)
        and distance > _APART
        and p < _SURE / columns
    )
    if moved:
        return ColumnDrift(
            name,
            "moved",
            index,
            distance,
            p,
            _note(reference, before, after),
            before,
            after,
        )
    return ColumnDrift(name, "same", index, distance, p, "", before, after)


def _why_unknown(before: ColumnProfile, after: ColumnProfile) -> str:
    rows = min(before.filled, after.filled)
    return (
        f"only {rows} rows with a value"
        if rows < _LEAST_ROWS
        else "nearly every value is another one"
    )


def _tested(
    before: ColumnProfile,
    after: ColumnProfile,
    expected: list[float],
    found: list[float],
) -> tuple[float, float]:
    if is_numeric(before) and is_numeric(after):
        distance = _largest_distance(before, after)
        # The size that one sample would have that says as much as the two.
        effective = before.filled * after.filled / (before.filled + after.filled)
        return distance, _kolmogorov_p(distance, effective)
    distance = sum(abs(q - p) for p, q in zip(expected, found, strict=True)) / 2
    return distance, _chi_square_p(expected, found, before.filled, after.filled)


def _largest_distance(before: ColumnProfile, after: ColumnProfile) -> float:
    points = {
        quantile(column, each) for column in (before, after) for each in PROBABILITIES
    }
    return max(
        abs(share_below(before, point) - share_below(after, point)) for point in points
    )


def _kolmogorov_p(distance: float, effective: float) -> float:
    """The chance of a distance at least that large (Numerical Recipes, section
    14.3)."""
    root = math.sqrt(effective)
    scaled = (root + 0.12 + 0.11 / root) * distance
    # The series below does not converge for small values; the answer is 1 there.
    if scaled < 0.2:
        return 1.0
    terms = (
        (-1.0) ** (k - 1) * math.exp(-2 * k * k * scaled * scaled)
        for k in range(1, 101)
    )
    return float(min(1.0, max(0.0, 2 * sum(terms))))


def _chi_square_p(
    expected: list[float], found: list[float], rows_before: int, rows_after: int
) -> float:
    """Of two samples of the same shares. Wilson and Hilferty's approximation of the
    distribution."""
    total = 0.0
    used = 0
    for p, q in zip(expected, found, strict=True):
        pooled = (p * rows_before + q * rows_after) / (rows_before + rows_after)
        if pooled > 0:
            total += (q - p) ** 2 / (pooled * (1 / rows_before + 1 / rows_after))
            used += 1
    freedom = used - 1
    # One value in both: nothing that could differ.
    if freedom < 1:
        return 1.0
    spread = 2 / (9 * freedom)
    z = ((total / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return 0.5 * math.erfc(z / math.sqrt(2))


def _note(reference: Reference, before: ColumnProfile, after: ColumnProfile) -> str:
    """What a reader wants to know first: another unit, how far the middle went, which
    values are new."""
    if is_numeric(before) and is_numeric(after):
        factor = find_factor(reference, after)
        if factor is not None and not factor.is_one:
            # A factor of a known unit says more than two medians.
            return f"about {factor.ratio:.3g} times as large" + (
                f", {factor.words}?" if factor.words else ""
            )
        return f"the median went from {quantile(before, 0.5):.4g} to {quantile(after, 0.5):.4g}"
    old, new = shares_of(before), shares_of(after)
    unseen = [value for value in new if value not in old]
    # At most three: a note is a line of a table.
    if unseen:
        return f"new: {', '.join(map(repr, unseen[:3]))}"
    most = max(old, key=lambda value: abs(new.get(value, 0.0) - old[value]))
    return f"{most!r} went from {old[most]:.0%} to {new.get(most, 0.0):.0%}"
