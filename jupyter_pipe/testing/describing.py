"""Values as JSON that people can review, and that another machine finds again.

Numbers, texts, containers and small tables are written out. Of what is large or has no
form of its own, such as a fitted model, its type is named with a digest of all that is
exact in it and one number made of all its floating point numbers, which the last bits
of another processor do not change beyond a rounding.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_pipe.testing.gaps import is_table

__all__ = ["describe", "to_text"]

# So many values are still read by somebody.
_MOST = 400
_ATOMS = (bool, int, str, type(None))
_CODE = ("function", "builtin_function_or_method", "type", "method", "module")
_TIMES = (datetime.date, datetime.time, datetime.timedelta)


def describe(value: Any) -> Any:
    """What JSON can say of a value."""
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, _TIMES):
        return str(value)
    if is_table(value):
        return _table(value)
    if type(value).__name__ == "Series":
        return {"series": str(value.name), **_column(value), **_index(value)}
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _array(value)
    if isinstance(value, (list, tuple, dict)) and len(value) <= _MOST:
        return _container(value)
    return _opaque(value)


def _container(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): describe(each) for key, each in value.items()}
    return [describe(each) for each in value]


def _table(frame: Any) -> dict[str, Any]:
    columns = {str(name): _column(frame[name]) for name in dict.fromkeys(frame.columns)}
    return {"rows": len(frame), "columns": columns, **_index(frame)}


def _column(values: Any) -> dict[str, Any]:
    """A column of a table; a table again where two columns have the same name."""
    if is_table(values):
        return _opaque(values)
    listed = values.to_list()
    if len(listed) > _MOST:
        return {"dtype": str(values.dtype), **_opaque(listed)}
    return {
        "dtype": str(values.dtype),
        "values": [describe(_plain(each)) for each in listed],
    }


def _index(value: Any) -> dict[str, Any]:
    """The labels of the rows, if they are not just counted."""
    index = getattr(value, "index", None)
    if index is None or not hasattr(index, "to_list"):
        return {}
    labels = index.to_list()
    if labels == list(range(len(labels))):
        return {}
    # Where rows were filtered or shuffled, their labels tell which ones are left.
    return {
        "index": [describe(_plain(each)) for each in labels]
        if len(labels) <= _MOST
        else _opaque(labels)
    }


def _array(value: Any) -> Any:
    if not value.shape:
        return describe(value.tolist())
    if value.size > _MOST or value.dtype.names:
        return {"shape": list(value.shape), "dtype": str(value.dtype), **_opaque(value)}
    flat = [describe(_plain(each)) for each in value.ravel().tolist()]
    return {"shape": list(value.shape), "dtype": str(value.dtype), "values": flat}


def _plain(value: Any) -> Any:
    """Of a cell of a table: a missing value of any kind is None."""
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:  # noqa: PLR0124
        return None
    return (
        value.item() if hasattr(value, "item") and not isinstance(value, str) else value
    )


def _opaque(value: Any) -> dict[str, Any]:
    digest = _Digest()
    digest.add(value)
    return {
        "type": _type_name(value),
        "exact": digest.exact.hexdigest()[:16],
        "numbers": digest.numbers,
    }


def _type_name(value: Any) -> str:
    kind = type(value)
    # A class of the notebook stands in a module that is made anew for each test.
    return (
        kind.__qualname__
        if kind.__module__.startswith("_")
        else f"{kind.__module__}.{kind.__qualname__}"
    )


@dataclass
class _Digest:
    """`exact` has seen types, texts, whole numbers, shapes and names; `numbers` is a
    weighted sum of all floats, so that two that change places are noticed."""

    exact: Any = field(default_factory=hashlib.sha256)
    numbers: float = 0.0
    _count: int = 0
    _seen: dict[int, int] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)

    def add(self, value: Any) -> None:
        """Walk through all that a value consists of. What is met again is only named,
        so that cycles end."""
        if isinstance(value, float):
            self._add_floats([value])
        elif isinstance(value, (*_ATOMS, *_TIMES, bytes, complex, range)):
            self._note(repr(value))
        elif type(value).__name__ in _CODE:
            self._note(getattr(value, "__qualname__", repr(type(value))))
        elif id(value) in self._seen:
            self._note(f"again {self._seen[id(value)]}")
        else:
            self._seen[id(value)] = len(self._seen)
            self._kept.append(value)
            self._add_parts(value)

    def _add_parts(self, value: Any) -> None:
        """The parts of a container, a table, an array, or what pickle would keep of an
        object."""
        self._note(_type_name(value))
        if isinstance(value, Mapping):
            self._add_all(part for pair in value.items() for part in pair)
        elif isinstance(value, (set, frozenset)):
            self._add_all(sorted(value, key=repr))
        elif isinstance(value, (list, tuple)):
            self._add_all(value)
        elif is_table(value):
            self._add_all(
                [
                    list(value.columns),
                    *(_values(value, place) for place in range(len(value.columns))),
                ]
            )
        elif hasattr(value, "dtype") and hasattr(value, "shape"):
            self._add_array(value)
        else:
            self._add_all(_state(value))

    def _add_all(self, parts: Iterable[Any]) -> None:
        for part in parts:
            self.add(part)
        self._note("end")

    def _add_array(self, value: Any) -> None:
        import numpy

        array = numpy.asarray(value)
        self._note(f"{array.dtype} {array.shape}")
        if array.dtype.names:
            self._add_all(array[name] for name in array.dtype.names)
        elif array.dtype.kind == "f":
            self._add_floats(array.astype(float).ravel())
        elif array.dtype.kind in "biuSUmM":
            self.exact.update(numpy.ascontiguousarray(array).tobytes())
        else:
            self._add_all(array.ravel().tolist())

    def _add_floats(self, values: Any) -> None:
        """A number in the tenth place counts otherwise than in the eleventh. Gaps are
        noted by place."""
        import numpy

        array = numpy.asarray(values, dtype=float)
        gaps = ~numpy.isfinite(array)
        if gaps.any():
            self._note(
                f"gaps {numpy.flatnonzero(gaps).tolist()} {array[gaps].tolist()}"
            )
        # A prime: what changes places over a power of two is noticed as well.
        weights = 1 + (numpy.arange(self._count, self._count + array.size) % 97) / 97
        self.numbers += float(numpy.where(gaps, 0.0, array) @ weights)
        self._count += array.size

    def _note(self, text: str) -> None:
        self.exact.update(text.encode() + b"\0")


def _values(frame: Any, place: int) -> Any:
    """The values of a column: an array where the library has one."""
    column = frame.iloc[:, place] if hasattr(frame, "iloc") else frame[:, place]
    return column.to_numpy()


def _state(value: Any) -> Iterator[Any]:
    """What pickle would keep of an object; nothing more of one that it cannot keep."""
    # Generators, locks and handles have no state that could be compared.
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:
        return
    if isinstance(reduced, tuple):
        yield from (
            part if not hasattr(part, "__next__") else list(part)
            for part in reduced[1:]
            if part is not None
        )


def to_text(described: Any, indent: int = 0) -> str:
    """JSON with a line for each name and each list of values, made to be compared line
    by line."""
    if not isinstance(described, dict) or not described:
        return json.dumps(described, ensure_ascii=False)
    if all(not isinstance(each, (dict, list)) for each in described.values()):
        return json.dumps(described, ensure_ascii=False)
    inner = " " * (indent + 2)
    lines = [
        f"{inner}{json.dumps(name, ensure_ascii=False)}: {to_text(each, indent + 2)}"
        for name, each in described.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
