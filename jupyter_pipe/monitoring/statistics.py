"""Compares what a batch looks like with the run that made the model. Pure: profiles in,
alarms out.

Distributions are judged by `contracts.find_drift`. Besides, a column alarms that lost
values, has categories that the run had never seen, or is gone. Every rule asks for an
effect that matters and for more than chance: of 48 stable weeks of the example none
alarms.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from itertools import chain

from msgspec.structs import replace

from jupyter_pipe.artifacts.profile_record import ColumnProfile, Profile
from jupyter_pipe.contracts import ColumnDrift, Drift, find_drift
from jupyter_pipe.contracts.wording import share_text
from jupyter_pipe.monitoring.model import Alarm, State

__all__ = ["LEAST_ROWS", "compare", "state_of"]

# Below that, the normal approximations here mean little.
LEAST_ROWS = 30
_MORE_NULLS = 0.05
# Divided by the number of columns, since one of many is unusual by chance.
_SIGNIFICANT_NULLS = 0.001
# A run of a few hundred rows may lack a spelling that has two per cent of the rows.
_UNSEEN = 0.03
_FEWEST_UNSEEN = 3
_SIGMAS = 3.0


def compare(
    value: str,
    before: Profile,
    after: Profile,
    *,
    needed: Collection[str] | None = None,
) -> tuple[Drift, tuple[Alarm, ...]]:
    """What moved, and what is alarming of it. Only the columns `needed` are looked at,
    None for all."""
    if needed is not None:
        before, after = _only(before, needed), _only(after, needed)
    drift = find_drift(value, before, after)
    size = len(drift.columns)
    alarms = chain.from_iterable(_alarms(column, size) for column in drift.columns)
    return drift, tuple(alarms)


def state_of(drift: Drift | None, alarms: Collection[Alarm]) -> State:
    """`unknown` if nothing alarms and not one column could be judged."""
    if alarms:
        return "alarm"
    states = {column.state for column in drift.columns} if drift else set()
    return "fine" if states - {"unknown"} else "unknown"


def _only(profile: Profile, names: Collection[str]) -> Profile:
    return replace(
        profile, columns=tuple(each for each in profile.columns if each.name in names)
    )


def _alarms(column: ColumnDrift, columns: int) -> Iterator[Alarm]:
    """What happened to a column that somebody should look at."""
    before, after = column.before, column.after
    messages: dict[str, str] = {column.state: _change(column)}
    if before is not None and after is not None:
        messages["nulls"] = _more_nulls(before, after, columns)
        messages["unseen"] = _unseen(before, after)
    for kind, message in messages.items():
        if message:
            yield Alarm(kind, column.name, f"'{column.name}'{message}")


def _change(column: ColumnDrift) -> str:
    """What a column's state says of it, behind its name; empty if it is no alarm."""
    match column.state:
        case "gone":
            return " is not sent any more."
        case "type":
            return f": {column.note}."
        case "moved":
            return f" moved: {column.note} (index {column.index:.2f}).{_trend(column)}"
    return ""


def _trend(column: ColumnDrift) -> str:
    """What to do about a column that goes on by itself: all of it lies beyond what the
    run had seen."""
    before, after = column.before, column.after
    # Only numbers and times have quantiles.
    if before is None or after is None or not (before.quantiles and after.quantiles):
        return ""
    if after.quantiles[0] < before.quantiles[-1]:
        return ""
    return (
        " All of it lies beyond what the run had seen. If it goes on by itself, as the number of a week does,"
        f" leave it out: --ignore {column.name}, or 'trend: true' in the contract."
    )


def _more_nulls(before: ColumnProfile, after: ColumnProfile, columns: int) -> str:
    """Another share of rows without a value, by two proportions and their normal
    approximation."""
    rows_before, rows_after = before.nulls + before.filled, after.nulls + after.filled
    if min(rows_before, rows_after) < LEAST_ROWS:
        return ""
    old, new = before.nulls / rows_before, after.nulls / rows_after
    if abs(new - old) <= _MORE_NULLS:
        return ""
    # Never 0: the shares differ, so some rows have a value and others have none.
    pooled = (before.nulls + after.nulls) / (rows_before + rows_after)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / rows_before + 1 / rows_after))
    p = math.erfc(abs(new - old) / spread / math.sqrt(2))
    if p >= _SIGNIFICANT_NULLS / columns:
        return ""
    return f"{share_text(new)} without a value, {share_text(old)} before"


def _unseen(before: ColumnProfile, after: ColumnProfile) -> str:
    """Categories that the run never saw, in more rows than its own rare ones let
    expect."""
    # Of a column with more values than are listed nobody knows which it had.
    if before.type != "text" or not before.top or before.distinct > len(before.top):
        return ""
    known = dict(before.top)
    new = {value: count for value, count in after.top if value not in known}
    rows = sum(new.values())
    # What was seen once tells how much there may be that was not seen (Good and
    # Turing).
    once = [*known.values()].count(1)
    expected = after.filled * once / max(before.filled, 1)
    if rows < max(
        _FEWEST_UNSEEN, _UNSEEN * after.filled, expected + _SIGMAS * math.sqrt(expected)
    ):
        return ""
    listed = ", ".join(map(repr, list(new)[:3]))
    return f"new: {listed} in {share_text(rows / after.filled)} of the rows"
