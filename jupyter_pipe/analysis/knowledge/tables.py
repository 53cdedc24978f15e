"""Answers the analyzer's questions from tables: one TOML file a library, read when it
is asked for.

    [LIBRARY.functions]            "PHRASE" = "names, relative to the library"
    [LIBRARY.types.NAME]           bases = "…", display = "component", cannot-travel = "why"
    [LIBRARY.types.NAME.methods]   "PHRASE" = "names"
    [LIBRARY.types.NAME.attributes]
    [LIBRARY.components]           "component" = "names"

`unknown.toml` holds the methods and attributes that are judged by their bare name.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from importlib import import_module, resources
from typing import Any

from jupyter_pipe.analysis.knowledge.effects import AttributeEffect, CallEffect
from jupyter_pipe.analysis.knowledge.phrases import PhraseError, parse_phrase, qualified

# The standard library has it from 3.11 on.
tomllib: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

__all__ = [
    "Library",
    "TableError",
    "Tables",
    "Type",
    "is_known_library",
    "load_tables",
    "parse_library",
]

SHARED_FILES = ("stdlib", "handles", "seeds")
"""Files with tables of several libraries."""
PARTS = frozenset({"functions", "types", "components"})
TYPE_PARTS = frozenset({"bases", "display", "cannot-travel", "methods", "attributes"})


class TableError(ValueError):
    """A table that is not in the format; the message names the key."""


class Type:
    """What is known about one type."""

    def __init__(self) -> None:
        self.bases: tuple[str, ...] = ()
        self.display: tuple[str, ...] = ()
        self.untransportable = ""
        self.methods: dict[str, CallEffect] = {}
        self.attributes: dict[str, AttributeEffect] = {}


class Library:
    """What is known about one top-level package. `patterns` are names with `*`, tried
    last."""

    def __init__(self) -> None:
        self.functions: dict[str, CallEffect] = {}
        self.patterns: list[tuple[str, CallEffect]] = []
        self.types: dict[str, Type] = {}
        self.components: dict[str, str] = {}


class Tables:
    """The questions of the `Knowledge` protocol; `extensions` are answered before what
    we ship."""

    def __init__(self, extensions: Mapping[str, Library] | None = None) -> None:
        self._extensions = dict(extensions or {})
        self._methods: dict[tuple[str, str], CallEffect | None] = {}
        self._attributes: dict[tuple[str, str], AttributeEffect | None] = {}

    def function(self, qualified: str) -> CallEffect | None:
        for library in self._libraries(qualified):
            effect = library.functions.get(qualified) or _match(
                library.patterns, qualified
            )
            if effect is not None:
                return effect
        return None

    def method(self, type_: str, name: str) -> CallEffect | None:
        if (type_, name) not in self._methods:
            self._methods[type_, name] = self._find_method(type_, name)
        return self._methods[type_, name]

    def _find_method(self, type_: str, name: str) -> CallEffect | None:
        for found in self._lineage(type_):
            if name in found.methods:
                return found.methods[name]
        return None if self._type(type_) else _by_bare_name().methods.get(name)

    def attribute(self, type_: str, name: str) -> AttributeEffect | None:
        if (type_, name) not in self._attributes:
            self._attributes[type_, name] = self._find_attribute(type_, name)
        return self._attributes[type_, name]

    def _find_attribute(self, type_: str, name: str) -> AttributeEffect | None:
        for found in self._lineage(type_):
            if name in found.attributes:
                return found.attributes[name]
        return None if self._type(type_) else _by_bare_name().attributes.get(name)

    def component(self, qualified: str) -> str | None:
        for library in self._libraries(qualified):
            for name, component in library.components.items():
                if qualified == name or qualified.startswith(name + "."):
                    return component
        return None

    def display_reads(self, type_: str) -> tuple[str, ...]:
        return next(
            (found.display for found in self._lineage(type_) if found.display), ()
        )

    def untransportable(self, type_: str) -> str:
        found = self._type(type_)
        return found.untransportable if found else ""

    def _libraries(self, qualified: str) -> Iterator[Library]:
        root = qualified.partition(".")[0]
        shared = (load_tables(name) for name in SHARED_FILES)
        for libraries in (self._extensions, load_tables(root), *shared):
            if root in libraries:
                yield libraries[root]

    def _type(self, type_: str) -> Type | None:
        return next(
            (
                found
                for lib in self._libraries(type_)
                if (found := lib.types.get(type_))
            ),
            None,
        )

    def _lineage(self, type_: str) -> Iterator[Type]:
        """The type and its bases, each from all tables that know it."""
        todo = [type_]
        while todo:
            name = todo.pop(0)
            for library in self._libraries(name):
                if name in library.types:
                    yield library.types[name]
                    todo.extend(library.types[name].bases)


def _by_bare_name() -> Type:
    return load_tables("unknown")["unknown"].types["unknown.any"]


def _match(patterns: list[tuple[str, CallEffect]], name: str) -> CallEffect | None:
    return next(
        (effect for pattern, effect in patterns if fnmatchcase(name, pattern)), None
    )


@functools.lru_cache(maxsize=256)
def load_tables(name: str) -> Mapping[str, Library]:
    """The libraries of one shipped file; none if there is no such file."""
    file = resources.files(__package__).joinpath("data").joinpath(f"{name}.toml")
    if not name.isidentifier() or not file.is_file():
        return {}
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        library: parse_library(library, table) for library, table in content.items()
    }


def is_known_library(module: str) -> bool:
    """Whether tables say what its functions do; of the standard library all is known
    that matters."""
    root = module.partition(".")[0]
    return root in sys.stdlib_module_names or bool(load_tables(root))


def parse_library(name: str, table: Any) -> Library:
    """The knowledge in one library's table. Raises TableError."""
    library = Library()
    content = _table(table, name)
    _check_keys(content, PARTS, name)
    for full, effect in _phrases(
        content.get("functions", {}), name, f"{name}.functions"
    ):
        if "*" in full:
            library.patterns.append((full, effect))
        else:
            library.functions[full] = effect
    for type_, description in _table(content.get("types", {}), f"{name}.types").items():
        library.types[f"{name}.{type_}"] = _parse_type(
            name, description, f"{name}.types.{type_}"
        )
    for component, names in _table(
        content.get("components", {}), f"{name}.components"
    ).items():
        library.components.update(
            {f"{name}.{word}": component for word in _names(names, component)}
        )
    return library


def _parse_type(library: str, description: Any, place: str) -> Type:
    content = _table(description, place)
    _check_keys(content, TYPE_PARTS, place)
    found = Type()
    found.bases = tuple(
        qualified(base, library) for base in _names(content.get("bases", ""), place)
    )
    found.display = tuple(_names(content.get("display", ""), place))
    found.untransportable = str(content.get("cannot-travel", ""))
    found.methods = {
        name.removeprefix(library + "."): effect
        for name, effect in _phrases(
            content.get("methods", {}), library, f"{place}.methods"
        )
    }
    for name, effect in _phrases(
        content.get("attributes", {}), library, f"{place}.attributes"
    ):
        attribute = AttributeEffect(effect.returns, effect.result_type)
        found.attributes[name.removeprefix(library + ".")] = attribute
    return found


def _phrases(
    entries: Any, library: str, place: str
) -> Iterator[tuple[str, CallEffect]]:
    for phrase, names in _table(entries, place).items():
        try:
            effect = parse_phrase(phrase, library)
        except PhraseError as error:
            raise TableError(f"{place}: {error}") from error
        for name in _names(names, f"{place}.{phrase!r}"):
            yield f"{library}.{name}", effect


def _table(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TableError(f"{place} must be a table, not {value!r}")
    return value


def _names(value: Any, place: str) -> list[str]:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value
    if not isinstance(value, str):
        raise TableError(
            f"{place} must be names in a string or a list of strings, not {value!r}"
        )
    return value.split()


def _check_keys(content: dict[str, Any], known: frozenset[str], place: str) -> None:
    for key in content.keys() - known:
        raise TableError(
            f"{place}.{key} is not known; there can be: {', '.join(sorted(known))}"
        )
