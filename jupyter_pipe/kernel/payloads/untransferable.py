"""Finds the part of a value that cannot travel and says how to reach it:
`cfg['log'].stream`.

Only asked after pickling has failed, so it may try parts one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..errors import CannotTravelError
from ..values.kinds.functions import cell_content
from ..values.kinds.kind import attributes

__all__ = ["find_culprit"]

_DEPTH = 12
_BREADTH = 2000


def find_culprit(
    name: str, value: Any, error: Exception, attempt: Callable[[dict[str, Any]], Any]
) -> dict[str, str]:
    """`attempt({name: value})` raises what keeps a value from travelling. Gives an
    `Untransportable`."""
    path, culprit = name, value
    seen = {id(value)}
    for _ in range(_DEPTH):
        if (
            isinstance(error, CannotTravelError)
            and error.type_name == type(culprit).__name__
        ):
            break  # it is refused itself, whatever it is made of
        for suffix, part in _parts(culprit):
            failure = None if id(part) in seen else _failure(part, attempt)
            if failure is not None:
                path, culprit, error = path + suffix, part, failure
                seen.add(id(part))
                break
        else:
            break
    return {
        "name": name,
        "type_name": type(culprit).__name__,
        "path": path,
        "reason": _reason(error),
    }


def _failure(value: Any, attempt: Callable[[dict[str, Any]], Any]) -> Exception | None:
    if value is None or isinstance(value, (str, bytes, int, float, complex, type)):
        return None
    try:
        attempt({"part": value})
    except Exception as error:
        return error
    return None


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a value with what to write behind its name to reach each."""
    if isinstance(value, dict):
        for number, (key, item) in enumerate(list(value.items())):
            if number < _BREADTH:
                yield f"[{key!r}]", item
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value[:_BREADTH]):
            yield f"[{number}]", item
    yield from _closure_parts(value)
    for name, item in attributes(value):
        yield f".{name}", item


def _closure_parts(value: Any) -> Iterator[tuple[str, Any]]:
    names = getattr(getattr(value, "__code__", None), "co_freevars", ())
    for name, cell in zip(
        names, getattr(value, "__closure__", None) or (), strict=False
    ):
        for content in cell_content(cell):
            yield f" (its variable {name})", content


def _reason(error: Exception) -> str:
    if isinstance(error, CannotTravelError):
        return error.reason
    return f"{error}" or type(error).__name__
