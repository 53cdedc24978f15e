"""Holds the rows of one request against the contract of the notebook's raw rows. Pure.

A rule that allows nothing refuses a row that breaks it. One that allows a share of the
rows cannot be broken by a single row, so such a row is answered with a remark; many
rows together are refused if more of them break it than the share and chance explain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from jupyter_pipe.contracts import ColumnRule, Contract
from jupyter_pipe.contracts.wording import moment_text, number_text
from jupyter_pipe.scoring.columns import RowsError

__all__ = ["Remark", "judge_columns"]

_MOST_REMARKS = 20
# Of fewer rows, a share is chance.
_FEWEST_FOR_SHARE = 30
_SIGMAS = 3.0
# Categories that a message lists.
_SHOWN = 12
Check = Callable[[Any], str]
"""What is wrong with a value, as a phrase; empty if nothing is."""


class Remark(Struct, frozen=True):
    """A row that was answered although it is unusual. `row` is counted from 1."""

    row: int
    column: str
    rule: str
    message: str


def judge_columns(
    columns: dict[str, list[Any]], contract: Contract | None
) -> tuple[Remark, ...]:
    """What is unusual about the rows, at most 20 remarks. Raises RowsError for what the
    contract refuses."""
    if contract is None:
        return ()
    remarks: list[Remark] = []
    for rule in contract.columns:
        values = columns.get(rule.name, [])
        for name, allowed, check in _checks(rule):
            found = _remarks(rule.name, values, name, check)
            if contract.policy != "warn" and len(found) > _most(allowed, len(values)):
                first = found[0]
                raise RowsError(
                    first.message,
                    _hint(allowed),
                    row=first.row,
                    column=rule.name,
                    rule=name,
                )
            remarks += found
    return tuple(remarks[:_MOST_REMARKS])


def _remarks(column: str, values: list[Any], rule: str, check: Check) -> list[Remark]:
    found = []
    for row, value in enumerate(values, 1):
        phrase = check(value)
        if phrase:
            found.append(
                Remark(row, column, rule, f"Row {row}, column '{column}': {phrase}.")
            )
    return found


def _hint(allowed: float) -> str:
    return (
        f"Of many rows, {allowed:.1%} may be like that; here are more."
        if allowed > 0
        else ""
    )


def _most(allowed: float, rows: int) -> float:
    """How many of the rows may break a rule that allows a share."""
    if allowed <= 0:
        return 0
    if rows < _FEWEST_FOR_SHARE:
        return rows
    return rows * allowed + _SIGMAS * math.sqrt(rows * allowed * (1 - allowed)) + 1


def _checks(rule: ColumnRule) -> Iterator[tuple[str, float, Check]]:
    """The rules that a single row can break: name, allowed share, and what tells it."""
    if rule.nulls is not None:
        yield (
            "nulls",
            rule.nulls,
            lambda value: "a value is missing" if value is None else "",
        )
    if rule.low is not None or rule.high is not None:
        yield "range", rule.outside, _range_check(rule)
    if rule.categories:
        yield "categories", rule.unseen, _category_check(rule)


def _range_check(rule: ColumnRule) -> Check:
    """The check of a column whose values lie between two numbers or two moments."""
    show = moment_text if rule.type == "datetime" else number_text
    low = -math.inf if rule.low is None else rule.low
    high = math.inf if rule.high is None else rule.high
    wanted = f"{'any' if rule.low is None else show(low)} to {'any' if rule.high is None else show(high)}"

    def check(value: Any) -> str:
        number = value.timestamp() if hasattr(value, "timestamp") else value
        if (
            not isinstance(number, (int, float))
            or low <= number <= high
            or math.isnan(number)
        ):
            return ""
        return f"{_shown(value)} is not within {wanted}"

    return check


def _category_check(rule: ColumnRule) -> Check:
    known = frozenset(rule.categories)
    listed = ", ".join(map(repr, rule.categories[:_SHOWN]))
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value in known:
            return ""
        return f"{_shown(value)} is not one of {listed}{more}"

    return check


def _shown(value: Any) -> str:
    return (str(value) if hasattr(value, "timestamp") else repr(value))[:60]
