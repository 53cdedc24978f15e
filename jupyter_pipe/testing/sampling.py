"""Inputs of a stage, cut to a few rows that still belong together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_pipe.scoring.proving.proofs import take
from jupyter_pipe.testing.gaps import is_table

__all__ = ["MOST_ROWS", "sample_inputs"]

MOST_ROWS = 120


def sample_inputs(inputs: Mapping[str, Any], most: int = MOST_ROWS) -> dict[str, Any]:
    """At most `most` rows of each table, series and array, evenly spread.

    What is equally long is cut at the same rows: `X` and `y` still belong together.
    Lists and everything else stay whole.
    """
    return {name: _cut(value, most) for name, value in inputs.items()}


def _cut(value: Any, most: int) -> Any:
    size = _rows(value)
    if size <= most:
        return value
    return take(value, [place * size // most for place in range(most)])


def _rows(value: Any) -> int:
    kind = type(value).__name__
    if is_table(value) or kind == "Series" or (kind == "ndarray" and value.ndim):
        return len(value)
    return 0
