"""What differs between two descriptions, in words. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

__all__ = ["differences"]

_TOLERANCE = 1e-9
# In a sum of many numbers roundings cancel, and the change of one of them is small.
_SUM_TOLERANCE = 1e-11
# Words of a description, not parts of the value: `train['age'][3]`, not
# `train.columns['age'].values[3]`.
_INSIDE = frozenset({"columns", "values"})
# Characters of a value in a message.
_WORDS = 60


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """`train['age'][3]: 12.0, golden is 11.0` for each part; numbers may differ by a
    rounding."""
    if isinstance(expected, dict) and isinstance(found, dict):
        yield from _of_mappings(expected, found, path)
    elif (
        isinstance(expected, list)
        and isinstance(found, list)
        and len(expected) == len(found)
    ):
        for place, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
    elif not _is_same(expected, found):
        yield f"{path}: {_short(found)}, golden is {_short(expected)}"


def _of_mappings(
    expected: dict[str, Any], found: dict[str, Any], path: str
) -> Iterator[str]:
    """What is gone, new or different by name; a digest is compared as a whole."""
    if "exact" in expected and "exact" in found:
        if not _is_same_digest(expected, found):
            kinds = dict.fromkeys((found.get("type"), expected["type"]))
            yield f"{path} has other contents than the golden one ({', golden '.join(map(str, kinds))})"
        return
    for name in expected:
        if name not in found:
            yield f"{_below(path, name)} is not there any more"
    for name, value in found.items():
        if name not in expected:
            yield f"{_below(path, name)} is new"
        else:
            yield from differences(expected[name], value, _below(path, name))


def _is_same_digest(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if (one["type"], one["exact"]) != (other.get("type"), other["exact"]):
        return False
    return math.isclose(
        one["numbers"], other["numbers"], rel_tol=_SUM_TOLERANCE, abs_tol=1e-12
    )


def _below(path: str, name: str) -> str:
    """`train`, then `train['age']`."""
    if name in _INSIDE:
        return path
    if name in ("rows", "dtype", "index", "shape") and path:
        return f"{path}.{name}"
    return f"{path}[{name!r}]" if path else name


def _is_same(one: Any, other: Any) -> bool:
    # For Python, True is 1; for whoever reads a metric it is not.
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        if isinstance(one, int) and isinstance(other, int):
            return one == other
        return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return bool(one == other)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WORDS else f"{text[:_WORDS]}… ({len(text)} characters)"
