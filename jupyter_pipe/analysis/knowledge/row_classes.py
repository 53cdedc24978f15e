"""What a call does with the rows of its input, from tables: one TOML file a library in
`data/rows`.

    [functions]  CLASS = "names, relative to the library; a last * matches all"
    [TYPE]       CLASS = "methods and attributes of the type, looked up along its bases"

Classes: `row-wise` (an entry of the result depends on the same entry of the input
alone), `by-column` (and on its own column alone), `drops` and `renames` (of columns),
`selects` (some of the rows), `chooses-columns`, `joins` (with a second table), `groups`
(a handle on groups), `mixes` (an entry depends on other rows), `aggregates` (one answer
about all rows), `fits`, `fits-and-transforms`, `fits-and-predicts`, `schema` (says
nothing about single rows). A class may depend on an argument, as in `mixes unless
bins:1 is a list` and `row-wise if axis:1 is 1 else mixes`, where 1 is the place of the
argument.
Pure but for reading the tables.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module, resources
from typing import Any

__all__ = ["RowClasses", "load_row_classes", "parse_row_classes"]

tomllib: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

CLASSES = frozenset(
    [
        "row-wise",
        "by-column",
        "drops",
        "renames",
        "selects",
        "chooses-columns",
        "joins",
        "groups",
        "mixes",
        "aggregates",
        "fits",
        "fits-and-transforms",
        "fits-and-predicts",
        "schema",
    ]
)
_UNLESS_LIST = re.compile(r"(\S+) unless (\w+):(\d+) is a list")
_IF_ELSE = re.compile(r"(\S+) if (\w+):(\d+) is (\S+) else (\S+)")


class RowClasses:
    """The classes of one library: `parts` maps `functions` or a type to name -> key of
    the table."""

    def __init__(self, parts: Mapping[str, Mapping[str, str]]) -> None:
        self._parts = parts

    def find(
        self, part: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str | None:
        """The class of function `name`, or of method `name` of the type `part`, in a
        call with these arguments (of a method: without itself). None if nothing is
        known."""
        names = self._parts.get(part, {})
        key = names.get(name) or next(_wildcards(names, name), None)
        return _decide(key, args, kwargs) if key else None


def _wildcards(names: Mapping[str, str], name: str) -> Iterator[str]:
    # Longer stems first: `random.*` says more than `*`.
    for pattern in sorted(
        (one for one in names if one.endswith("*")), key=len, reverse=True
    ):
        if name.startswith(pattern[:-1]):
            yield names[pattern]


def _decide(key: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    if found := _UNLESS_LIST.fullmatch(key):
        class_, name, place = found.groups()
        value = _argument(name, int(place), args, kwargs)
        return (
            "row-wise"
            if hasattr(value, "__len__") and not isinstance(value, str)
            else class_
        )
    if found := _IF_ELSE.fullmatch(key):
        class_, name, place, wanted, otherwise = found.groups()
        return (
            class_
            if str(_argument(name, int(place), args, kwargs)) == wanted
            else otherwise
        )
    return key


def _argument(
    name: str, place: int, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    return (
        kwargs[name] if name in kwargs else (args[place] if place < len(args) else None)
    )


@functools.lru_cache(maxsize=64)
def load_row_classes(library: str) -> RowClasses:
    """What is known about a top-level package; nothing, if there is no table of it."""
    file = (
        resources.files(__package__)
        .joinpath("data")
        .joinpath("rows")
        .joinpath(f"{library}.toml")
    )
    if not library.isidentifier() or not file.is_file():
        return RowClasses({})
    return parse_row_classes(tomllib.loads(file.read_text(encoding="utf-8")))


def parse_row_classes(content: Mapping[str, Mapping[str, str]]) -> RowClasses:
    """A table as read from TOML. Raises ValueError for a class that is not known."""
    parts: dict[str, dict[str, str]] = {}
    for part, classes in content.items():
        names = parts.setdefault(part, {})
        for key, text in classes.items():
            if key.split()[0] not in CLASSES:
                raise ValueError(
                    f"[{part}] has the class {key!r}; there can be: {', '.join(sorted(CLASSES))}"
                )
            for name in text.split():
                names.setdefault(name, key)
    return RowClasses(parts)
