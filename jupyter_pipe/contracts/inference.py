"""Makes a contract of what values looked like in runs that were right. Pure.

Exact limits would refuse good data: of 48 stable weeks of the example, the smallest and
largest value refuse 14 and the exact share of missing values 34. So ranges have half a
span of slack with some rows allowed outside, and shares have three standard deviations.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from jupyter_pipe.artifacts.profile_record import ColumnProfile, ColumnType, Profile
from jupyter_pipe.contracts.distributions import (
    is_numeric,
    quantile,
    reference_of,
    share_below,
)
from jupyter_pipe.contracts.model import ColumnRule, Contract

__all__ = ["infer_contract"]

# Of a thousand good batches three are beyond this.
_SIGMAS = 3.0
_LEAST_OUTSIDE = 0.01
_DRIFT = 0.5
_MOST_CATEGORIES = 50
_MOST_SHAPES = 4
_FEWEST_FOR_KEY = 20


def infer_contract(name: str, profiles: Sequence[Profile], *, by: str = "") -> Contract:
    """What `profiles`, the newest last, have in common. `by` names the column of
    batches; where the profiles do not have them apart yet, their size is taken from the
    number of values of that column."""
    parts = [part for profile in profiles for part in _parts(profile, by)]
    # From the newest back: its order of columns is the one that people know.
    names = dict.fromkeys(
        column.name for part in reversed(parts) for column in part.columns
    )
    rows = _batch_rows(profiles, by)
    rules = [_rule(each, parts, profiles[-1], rows, by) for each in names]
    key = _find_key(parts) if rules else ()
    return Contract(
        name,
        by=by,
        rows=_row_limits(parts, profiles, by),
        key=key,
        columns=tuple(rules),
    )


def _parts(profile: Profile, by: str) -> list[Profile]:
    # A profile by another column says nothing of these batches.
    batches = list(profile.batches.values()) if by and profile.by == by else []
    return batches or [profile]


def _batch_rows(profiles: Sequence[Profile], by: str) -> int:
    """How many rows a batch has, in the middle."""
    counts = sorted(_rows_each(profile, by) for profile in profiles)
    return max(1, counts[len(counts) // 2])


def _rows_each(profile: Profile, by: str) -> int:
    column = profile.column(by) if by else None
    # As many batches as the column has values, of about one size.
    return (profile.rows or 0) // max(1, column.distinct if column else 1)


def _row_limits(
    parts: Sequence[Profile], profiles: Sequence[Profile], by: str
) -> tuple[int | None, int | None]:
    """The fewest and the most rows that a batch should have, with room around what was
    seen. If batches are asked for and no profile is split into them, their size is
    estimated from how many values the column `by` has."""
    if by and not any(profile.by == by for profile in profiles):
        counts = [_rows_each(profile, by) for profile in profiles]
    else:
        counts = [part.rows or 0 for part in parts]
    spread = _deviation([float(count) for count in counts])
    # A quarter fewer or half as many more are accepted even if all batches had one
    # size.
    least = min(counts) - max(0.25 * min(counts), _SIGMAS * spread)
    most = max(counts) + max(0.5 * max(counts), _SIGMAS * spread)
    # A batch that was empty says nothing of how few rows are too few.
    return max(1, math.floor(least)) if min(counts) else None, math.ceil(most) or None


def _deviation(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def _rule(
    name: str, parts: Sequence[Profile], newest: Profile, rows: int, by: str
) -> ColumnRule:
    """What may be asked of one column. Of the column that names the batches, of an
    empty one and of one that moves on, such as the number of a week, that is only the
    type and the share of missing values."""
    columns = [column for part in parts if (column := part.column(name)) is not None]
    known = [column for column in columns if column.filled]
    nulls = _share_limit(*_nulls(columns), rows)
    rule = ColumnRule(
        name, _common_type(known), optional=len(columns) < len(parts), nulls=nulls
    )
    # The column that names batches has one value in each; nothing else could be asked.
    if name == by or not known or _moves_on(known):
        return replace(rule, trend=_is_trend(name, known, by))
    if rule.type == "text":
        rule = _with_texts(rule, known, rows)
    elif rule.type in ("int", "float", "duration"):
        rule = _with_range(rule, known, rows)
    return _with_reference(rule, newest.column(name))


def _with_reference(rule: ColumnRule, latest: ColumnProfile | None) -> ColumnRule:
    """What the newest run looked like, where that tells anything of the next: not of
    counters and times."""
    has_rule = rule.categories or rule.low is not None or rule.type == "bool"
    reference = reference_of(latest) if latest is not None and has_rule else None
    return (
        rule if reference is None else replace(rule, drift=_DRIFT, reference=reference)
    )


def _common_type(columns: Sequence[ColumnProfile]) -> ColumnType | None:
    kinds = {column.type for column in columns}
    # A gap makes floats of whole numbers, so both were seen.
    if kinds == {"int", "float"}:
        return "float"
    found = next(iter(kinds)) if len(kinds) == 1 else None
    return None if found in ("other", "mixed") else found


def _nulls(columns: Sequence[ColumnProfile]) -> tuple[int, int]:
    nulls = sum(column.nulls for column in columns)
    return nulls, nulls + sum(column.filled for column in columns)


def _share_limit(count: int, total: int, rows: int, least: float = 0.0) -> float:
    """A share that batches of `rows` do not exceed by chance: three deviations above
    what was seen."""
    if not count or not total:
        return least
    share = count / total
    # One row more than the share allows is always accepted: in small batches it is
    # chance.
    limit = share + _SIGMAS * math.sqrt(share * (1 - share) / rows) + 1 / rows
    return min(1.0, max(least, _rounded_up(limit)))


def _rounded_up(share: float) -> float:
    return math.ceil(share * 1000) / 1000


def _with_range(
    rule: ColumnRule, columns: Sequence[ColumnProfile], rows: int
) -> ColumnRule:
    """From the 1st to the 99th percentile, and half of that on both sides. A counter
    has no range: it goes on beyond what was seen."""
    measured = [column for column in columns if is_numeric(column)]
    if not measured or _is_counter(measured):
        return rule
    first = _middle([quantile(column, 0.01) for column in measured])
    last = _middle([quantile(column, 0.99) for column in measured])
    # A constant column has no span: half of its value instead, or one.
    slack = (last - first) / 2 or max(abs(last) / 2, 1.0)
    low, high = first - slack, last + slack
    if min(column.quantiles[0] for column in measured) >= 0:
        low = max(0.0, low)  # what was never negative is a size, a count or a price
    low, high = _rounded(low, math.floor, slack), _rounded(high, math.ceil, slack)
    beyond = sum(column.filled * _outside(column, low, high) for column in measured)
    total = sum(column.filled for column in measured)
    outside = _share_limit(math.ceil(beyond), total, rows, _LEAST_OUTSIDE)
    return replace(rule, low=low, high=high, outside=outside)


def _moves_on(columns: Sequence[ColumnProfile]) -> bool:
    """Whether the column tells which batch it is, such as the number of a week:
    constant but for a few rows, or somewhere else in each batch. The next one lies
    beyond all that was seen."""
    measured = [column for column in columns if is_numeric(column)]
    if not measured or len(measured) < len(columns):
        return False
    spans = [quantile(column, 0.95) - quantile(column, 0.05) for column in measured]
    middles = [quantile(column, 0.5) for column in measured]
    if len(measured) == 1:
        # One batch only: a constant may be a batch's number as well as a setting.
        return spans[0] == 0
    return max(middles) - min(middles) > 2 * max(spans)


def _is_trend(name: str, columns: Sequence[ColumnProfile], by: str) -> bool:
    """Whether numbers or times go on from batch to batch. A constant of a single batch
    is not known to."""
    is_number = bool(columns) and all(is_numeric(column) for column in columns)
    return is_number and (name == by or len(columns) > 1)


def _is_counter(columns: Sequence[ColumnProfile]) -> bool:
    """Whole numbers of which no two agree, such as row numbers."""
    return all(
        # Twenty rows: fewer may differ by chance.
        column.type == "int" and column.distinct == column.filled > _FEWEST_FOR_KEY
        for column in columns
    )


def _outside(column: ColumnProfile, low: float, high: float) -> float:
    return share_below(column, low) + 1 - share_below(column, high)


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _rounded(value: float, towards: Callable[[float], int], slack: float) -> float:
    """To two digits of the slack: a limit is made to be read."""
    unit = 10.0 ** (math.floor(math.log10(slack)) - 1)
    return float(f"{towards(value / unit) * unit:.10g}")


def _with_texts(
    rule: ColumnRule, columns: Sequence[ColumnProfile], rows: int
) -> ColumnRule:
    """Adds the categories of a text column if its values were few and are all known;
    otherwise the shapes of its texts, such as `A9-9` for `week12-3`, if those were
    few."""
    counts: Counter[str] = Counter()
    for column in columns:
        counts.update(dict(column.top))
    total = sum(column.filled for column in columns)
    if counts.total() == total and len(counts) <= min(_MOST_CATEGORIES, total / 10):
        ordered = tuple(sorted(counts, key=lambda value: (-counts[value], value)))
        # What was seen once tells how much there may be that was not seen (Good and
        # Turing).
        once = sum(1 for count in counts.values() if count == 1)
        return replace(rule, categories=ordered, unseen=_share_limit(once, total, rows))
    shapes = dict.fromkeys(shape for column in columns for shape, _ in column.shapes)
    if 0 < len(shapes) <= _MOST_SHAPES and total >= _FEWEST_FOR_KEY:
        return replace(rule, shapes=tuple(shapes), outside=_LEAST_OUTSIDE)
    return rule


def _find_key(parts: Sequence[Profile]) -> tuple[str, ...]:
    """The first column of texts or whole numbers in which no two rows ever agreed."""
    if any(
        (part.rows or 0) < _FEWEST_FOR_KEY or part.looked != part.rows for part in parts
    ):
        return ()
    for column in parts[-1].columns:
        if column.type in ("text", "int") and all(
            _is_unique(part, column.name) for part in parts
        ):
            return (column.name,)
    return ()


def _is_unique(part: Profile, name: str) -> bool:
    column = part.column(name)
    return column is not None and column.nulls == 0 and column.distinct == part.rows
