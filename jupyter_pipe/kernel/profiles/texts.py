"""Profiles of texts, and of columns that hold Python objects: which values, of what
shape, of what types."""

from __future__ import annotations

import datetime
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from .numbers import FEW, profile_numbers

__all__ = ["profile_objects", "profile_texts"]

_LONGEST = 80
_LOOKED_AT = 2_000
_SHAPES = 8
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")
_SPACE = re.compile(r"\s+")
# What UTF-8 looks like when it is read as Latin-1 or cp1252, and the mark of bytes that
# could not be read.
_GARBLED = re.compile(
    "\u00c3[\u0080-\u00bf\u2018-\u203a\u0152-\u0192]|\u00c2[\u0080-\u00bf]|\u00e2\u20ac|\ufffd"
)
_TIMES = (datetime.date,)


def profile_objects(
    values: Sequence[Any], show: Callable[[str], str] = str
) -> dict[str, Any]:
    """Of a column of Python objects: what type they have decides. `show` hides
    secrets."""
    known = (
        values
        if set(map(type, values)) == {str}
        else [each for each in values if not _is_missing(each)]
    )
    kinds = set(map(type, known))
    record: dict[str, Any] = {"nulls": len(values) - len(known), "filled": len(known)}
    kind = _type_of({_family(each) for each in kinds})
    record["type"] = kind
    if kind == "text":
        record.update(profile_texts(known, show))
    elif kind == "bool":
        record.update(_counted(Counter(map(str, known))))
    elif kind in ("int", "float", "datetime"):
        numbers = known if kind != "datetime" else list(map(_seconds, known))
        record = {**_numbers(numbers), **record}
    elif known:
        record["parts"] = sorted(show(each.__name__) for each in kinds)[:_SHAPES]
    return record


def _type_of(families: set[str]) -> str:
    """A `ColumnType`."""
    if families == {"int", "float"}:
        return "float"
    if len(families) > 1:
        return "mixed"
    return next(iter(families), "other")


def profile_texts(
    texts: Sequence[str], show: Callable[[str], str] = str
) -> dict[str, Any]:
    """Counts of the values, their shapes, and what looks wrong about them."""
    counts = Counter(texts)
    looked_at = texts[:: max(1, len(texts) // _LOOKED_AT)]
    shapes = Counter(map(_shape, looked_at))
    record: dict[str, Any] = {
        **_counted(counts, show),
        "shapes": [
            (show(shape), count) for shape, count in shapes.most_common(_SHAPES)
        ],
    }
    blank = sum(1 for text in looked_at if not text.strip())
    garbled = sum(1 for text in looked_at if _GARBLED.search(text))
    scale = len(texts) / len(looked_at)
    for name, count in (("blank", blank), ("garbled", garbled)):
        if count:
            record[name] = round(count * scale)
    return record


def _counted(counts: Counter[str], show: Callable[[str], str] = str) -> dict[str, Any]:
    """Of a column in which nearly every value is another one, such as a name, no value
    is kept."""
    record: dict[str, Any] = {"distinct": len(counts)}
    if len(counts) <= max(FEW, counts.total() // 2):
        # Of equally frequent values the order must not depend on that of the rows.
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:FEW]
        record["top"] = [(show(value)[:_LONGEST], count) for value, count in ordered]
    return record


def _shape(text: str) -> str:
    """`A9-9` for `week12-3`."""
    plain = _SPACE.sub(" ", text[: 4 * _LONGEST])
    return _DIGITS.sub("9", _LETTERS.sub("A", plain))[: _LONGEST // 2]


def _is_missing(value: Any) -> bool:
    """None, NaN, and what pandas has for them."""
    if value is None:
        return True
    if isinstance(value, str):
        return False
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _family(kind: type) -> str:
    names = {bool: "bool", int: "int", float: "float", str: "text"}
    for base in kind.__mro__:
        if base in names:
            return names[base]
        if base in _TIMES:
            return "datetime"
        if base.__module__ == "decimal":
            return "float"
        if base.__module__ == "numpy":
            return _numpy_family(base.__name__)
    return "other"


def _numpy_family(name: str) -> str:
    for part, family in (
        ("bool", "bool"),
        ("int", "int"),
        ("float", "float"),
        ("str", "text"),
    ):
        if part in name:
            return family
    return "other"


def _seconds(value: Any) -> float:
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.timezone.utc)
    return float(value.timestamp())


def _numbers(values: Sequence[Any]) -> dict[str, Any]:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return {"distinct": len(set(values))}
    return profile_numbers(numpy, numpy.array([float(value) for value in values]))
