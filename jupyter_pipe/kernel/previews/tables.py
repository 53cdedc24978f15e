"""The first rows of frames, series and arrays as texts, and what columns they have.

Like the profiles, this imports no library: a value of one has brought it along.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..profiles.columns import columns_of

__all__ = ["Head", "head_of", "shape_of"]

_ROWS = 12
_COLUMNS = 40
_LISTED = 500
_LONGEST_CELL = 80

Show = Callable[[str], str]


class Head(NamedTuple):
    """`columns` are pairs of name and type, of which the first 40 are in `rows`;
    `labels` name the rows."""

    columns: list[list[str]]
    labels: list[str]
    rows: list[list[str]]


def shape_of(value: Any) -> list[int]:
    """The lengths along each axis; empty for what has no shape."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, (tuple, list)) and all(
        isinstance(length, int) for length in shape
    ):
        return list(shape)
    return []


def head_of(value: Any, show: Show) -> Head | None:
    """The first rows; None for a value that has none. May raise what the value's own
    methods raise."""
    rows, columns, _ = columns_of(value)
    if not columns or len(shape_of(value)) > 2:
        return None
    places = _first(min(rows, _ROWS))
    # A series of pandas has no array of places where polars has no labels: both take a
    # slice.
    cells = [_texts(column.take(places), show) for column in columns[:_COLUMNS]]
    named = [[show(column.name), column.dtype] for column in columns[:_LISTED]]
    return Head(
        named, _labels(value, show), [list(row) for row in zip(*cells, strict=True)]
    )


def _first(count: int) -> Any:
    numpy = sys.modules.get("numpy")
    return list(range(count)) if numpy is None else numpy.arange(count)


def _labels(value: Any, show: Show) -> list[str]:
    """Names of the rows, where they say more than a number would: dates, codes,
    groups."""
    index = getattr(value, "index", None)
    if index is None or callable(index) or type(index).__name__ == "RangeIndex":
        return []
    return _texts(index[:_ROWS], show)


def _texts(cells: Iterable[Any], show: Show) -> list[str]:
    return [_cut(show(_text(cell))) for cell in cells]


def _text(cell: Any) -> str:
    """Numbers short enough to be compared by eye: `0.333333`, and not sixteen digits of
    it."""
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return str(cell)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_CELL else f"{line[: _LONGEST_CELL - 1]}…"
