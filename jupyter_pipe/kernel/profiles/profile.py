"""The entry: one value in, its record out (`Profile`), with the batches and keys that a
contract asks for."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from ..payloads.summary import type_name
from .columns import columns_of, profile_column

__all__ = ["make_profile"]

_MOST_ROWS = 100_000
# 50,000 rows of 20 columns, which takes about a tenth of a second.
_MOST_CELLS = 1_000_000
_LEAST_ROWS = 1_000
_MOST_BATCHES = 1_000
_PART = 16_384


def make_profile(
    value: Any,
    *,
    by: str = "",
    keys: Iterable[Iterable[str]] = (),
    whole: bool = False,
    show: Callable[[str], str] = str,
) -> dict[str, Any]:
    """What the value looks like. `by` profiles the rows of each value of that column as
    well, `keys` counts repeated rows, `whole` looks for the smallest and largest number
    of all rows. `show` hides secrets."""
    try:
        with warnings.catch_warnings():
            # What a library thinks of the data is for the user's own cells to show.
            warnings.simplefilter("ignore")
            record = _profile(value, whole, show)
            if record["columns"]:
                record["duplicates"] = _duplicates(value, keys)
                if by:
                    record.update(
                        _batches(value, by, [list(key) for key in keys], whole, show)
                    )
    except Exception:
        # A value may lie about its length, and a library may change: the stage has run
        # all the same.
        return {"type": show(type_name(value)), "rows": None, "columns": []}
    return record


def _profile(value: Any, whole: bool, show: Callable[[str], str]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "type": show(type_name(value)),
        "rows": _length(value),
        "columns": [],
    }
    rows, columns, left_out = columns_of(value)
    if not columns:
        return record
    looked = min(rows, _MOST_ROWS, max(_LEAST_ROWS, _MOST_CELLS // len(columns)))
    places = _sample(rows, looked)
    record["columns"] = [profile_column(column, places, show) for column in columns]
    record.update(rows=rows, looked=looked, left_out=left_out, bytes=_bytes(value))
    if whole and places is not None:
        for column, found in zip(columns, record["columns"], strict=True):
            _widen(found, column.take(None))
    return record


def _length(value: Any) -> int | None:
    return (
        len(value)
        if isinstance(value, (list, tuple, set, frozenset, dict, str, bytes))
        else None
    )


def _bytes(value: Any) -> int:
    used = getattr(value, "memory_usage", None)
    found = used(deep=False) if callable(used) else getattr(value, "nbytes", 0)
    total = getattr(found, "sum", None)
    return int(total() if callable(total) else found)


def _sample(rows: int, looked: int) -> Any:
    """The places of rows: one of each of `looked` stretches of equal length, at random,
    so that no pattern in the data agrees with a pattern of the sample. None for all
    rows."""
    if looked >= rows:
        return None
    numpy = sys.modules["numpy"]
    # A generator of its own: the notebook's must not move.
    chance = numpy.random.default_rng(rows).random(looked)
    return ((numpy.arange(looked) + chance) * (rows / looked)).astype("int64")


def _widen(record: dict[str, Any], values: Any) -> None:
    """The smallest and the largest number of all rows, which a sample may miss."""
    if record.get("type") not in ("int", "float") or "quantiles" not in record:
        return
    numpy = sys.modules["numpy"]
    # `float64` is numpy's, `Float64` and `double[pyarrow]` are types of others, with
    # gaps of their own.
    if hasattr(numpy, str(getattr(values, "dtype", None))):
        least, most = _range_of(numpy.asarray(values))
    else:
        least, most = float(values.min()), float(values.max())
        if numpy.isnan(least) and hasattr(values, "dtype"):
            plain = numpy.asarray(values, dtype="float64")
            least, most = float(numpy.nanmin(plain)), float(numpy.nanmax(plain))
    quantiles = record["quantiles"]
    quantiles[0], quantiles[-1] = min(quantiles[0], least), max(quantiles[-1], most)


def _range_of(plain: Any) -> tuple[float, float]:
    """The smallest and the largest number of an array, without its gaps."""
    numpy = sys.modules["numpy"]
    # In parts that stay in the processor's cache, an array of a gigabyte is read once
    # and not twice.
    parts = [plain[start : start + _PART] for start in range(0, len(plain), _PART)]
    ends = [(numpy.fmin.reduce(part), numpy.fmax.reduce(part)) for part in parts]
    return float(numpy.fmin.reduce([least for least, _ in ends])), float(
        numpy.fmax.reduce([most for _, most in ends])
    )


def _duplicates(value: Any, keys: Iterable[Iterable[str]]) -> dict[str, int]:
    """For each key the rows that repeat an earlier one. A key of columns that are not
    there is left out."""
    found = {}
    for key in keys:
        names = list(key)
        if names and set(names) <= set(map(str, getattr(value, "columns", ()))):
            found[",".join(names)] = _repeated(value, names)
    return found


def _repeated(frame: Any, names: list[str]) -> int:
    if hasattr(frame, "duplicated"):
        return int(frame.duplicated(names).sum())
    return len(frame) - len(frame.select(names).unique())


def _batches(
    value: Any, by: str, keys: list[list[str]], whole: bool, show: Callable[[str], str]
) -> dict[str, Any]:
    """Nothing if there is no such column, or if it has so many values that it does not
    name batches."""
    parts = dict(_parts(value, by))
    if not parts or len(parts) > _MOST_BATCHES:
        return {}
    made = {show(name): _profile(part, whole, show) for name, part in parts.items()}
    for name, part in parts.items():
        made[show(name)]["duplicates"] = _duplicates(part, keys)
    return {"by": show(by), "batches": made}


def _parts(value: Any, by: str) -> Iterable[tuple[str, Any]]:
    if by not in map(str, getattr(value, "columns", ())):
        return ()
    if hasattr(value, "partition_by"):
        parts = value.partition_by(by, maintain_order=True)
        return [(str(part[by][0]), part) for part in parts]
    groups = value.groupby(by, sort=False, dropna=False, observed=True)
    return [(str(name), part) for name, part in groups]
