"""Wraps readers in native code, so that they tell what they are about to read.

A function is replaced in its module, a class has its `__init__` replaced, once the
library has been imported by somebody else. They stay what they are by name and
signature, and are pickled by name.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..contacts import is_url, shown_url
from .tables import Tables

__all__ = ["ReaderWatch", "paths_in_query", "shown_server", "texts_of"]

_QUOTED = re.compile(r"'((?:[^']|'')+)'|\"([^\"]+)\"")
_PASSWORD = re.compile(r"(?i)\b(pass\w*|pwd|user|uid)\s*=\s*[^\s;]+[\s;]*")

Tell = Callable[[str, list[Any]], None]


class _Phrase(NamedTuple):
    """What a call does with one of its arguments: `reads 0:source`."""

    verb: str
    position: int
    keyword: str


class ReaderWatch:
    """Tells `tell(verb, values)` of calls, with the argument that the table points to,
    between `arrived` and `end`."""

    def __init__(self, tables: Tables, tell: Tell) -> None:
        self._tables = tables
        self._tell = tell
        self._replaced: list[tuple[Any, str, Any]] = []
        self._done: set[str] = set()

    def begin(self) -> None:
        """For what has been imported so far."""
        for name in self._tables:
            if name in sys.modules:
                self.arrived(name)

    def arrived(self, name: str) -> None:
        """The module has just been imported."""
        module = sys.modules.get(name)
        if module is None or name in self._done:
            return
        self._done.add(name)
        for phrase, functions in self._tables[name].items():
            for dotted in functions.split():
                # What cannot be wrapped in this version of the library stays as it is.
                with contextlib.suppress(AttributeError, TypeError):
                    self._wrap(module, dotted, _parse(phrase))

    def end(self) -> None:
        """Everything is what it was."""
        while self._replaced:
            owner, name, original = self._replaced.pop()
            setattr(owner, name, original)
        self._done.clear()

    def _wrap(self, module: Any, dotted: str, phrase: _Phrase) -> None:
        *owners, name = dotted.split(".")
        owner = functools.reduce(
            lambda one, part: getattr(one, part, None), owners, module
        )
        original = inspect.getattr_static(owner, name, None)
        if original is None:
            return
        if isinstance(original, type):
            self._wrap_class(owner, name, original, phrase)
        elif isinstance(original, (classmethod, staticmethod)):
            made = type(original)(
                self._telling(
                    original.__func__, phrase, isinstance(original, classmethod)
                )
            )
            self._replace(owner, name, made)
        elif callable(original):
            self._replace(
                owner, name, self._telling(original, phrase, isinstance(owner, type))
            )

    def _wrap_class(
        self, owner: Any, name: str, original: type, phrase: _Phrase
    ) -> None:
        if "__init__" in vars(original) or original.__flags__ & _MUTABLE:
            wrapped = self._telling(original.__init__, phrase, True)  # type: ignore[misc]
            if self._replace(original, "__init__", wrapped):
                return
        self._replace(
            owner, name, _stand_in(original, functools.partial(self._note, phrase))
        )

    def _telling(self, original: Any, phrase: _Phrase, is_method: bool) -> Any:
        note, skipped = functools.partial(self._note, phrase), int(is_method)

        @functools.wraps(original)
        def telling(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            note(args[skipped:], kwargs)
            return original(*args, **kwargs)

        return telling

    def _note(
        self, phrase: _Phrase, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        value = kwargs.get(phrase.keyword)
        if value is None and len(args) > phrase.position:
            value = args[phrase.position]
        self._tell(phrase.verb, [value])

    def _replace(self, owner: Any, name: str, made: Any) -> bool:
        """Also where it was defined, so that pickling by name finds the same object."""
        original = inspect.getattr_static(owner, name)
        home = sys.modules.get(getattr(original, "__module__", None) or "")
        for place in {
            id(one): one for one in (owner, home) if one is not None
        }.values():
            if inspect.getattr_static(place, name, None) is original or place is owner:
                try:
                    setattr(place, name, made)
                except (AttributeError, TypeError):
                    return False
                self._replaced.append((place, name, original))
        return True


_MUTABLE = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def _stand_in(original: type, note: Callable[..., None]) -> type:
    """A class for one whose constructor cannot be replaced. It calls itself by the same
    name, and every instance of the original is one of it."""

    class Meta(type(original)):  # type: ignore[misc]
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            note(args, kwargs)
            return (
                original(*args, **kwargs)
                if cls is made
                else super().__call__(*args, **kwargs)
            )

        def __instancecheck__(cls, instance: Any) -> bool:
            return (
                isinstance(instance, original)
                if cls is made
                else super().__instancecheck__(instance)
            )

        def __subclasscheck__(cls, subclass: type) -> bool:
            return (
                issubclass(subclass, original)
                if cls is made
                else super().__subclasscheck__(subclass)
            )

    names = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
    }
    made: type = Meta(original.__name__, (original,), names)
    return made


def _parse(phrase: str) -> _Phrase:
    verb, _, argument = phrase.partition(" ")
    position, _, keyword = argument.partition(":")
    return _Phrase(verb, int(position), keyword)


def texts_of(values: Iterable[Any]) -> Iterator[str]:
    """The paths among values, and in lists of them; not those that stand for open files
    or data."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from texts_of(value[:10_000])
        elif isinstance(value, (str, bytes, os.PathLike)):
            text = os.fsdecode(value)
            # Some readers take the content itself as a text.
            if text and len(text) < 4096 and "\n" not in text and "\0" not in text:
                yield text


def paths_in_query(query: str) -> Iterator[str]:
    """What is quoted in SQL and looks like a path or an address: `select * from
    'sales/*.parquet'`."""
    for found in _QUOTED.finditer(query):
        text = (found[1] or found[2]).replace("''", "'")
        if "/" in text or "." in text:
            yield text


def shown_server(address: Any) -> str:
    """The address of a database without user and password."""
    if not isinstance(address, str):
        return type(address).__module__.partition(".")[0]
    return shown_url(address) if is_url(address) else _PASSWORD.sub("", address).strip()
