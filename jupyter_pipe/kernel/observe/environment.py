"""The environment: which variables the stage asked for, noted where `os.environ` looks
them up.

`os.environ` stays the object that it was, of the type that it was: the class of it is
taught to tell.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .paths.digests import digest_value, shown_value
from .paths.notes import Where

__all__ = ["ALL", "EnvironmentWatch", "VariableNotes", "is_fleeting"]

ALL = "*"
_FLEETING = re.compile(
    r"_|SHELL|SHLVL|PWD|OLDPWD|TERM.*|COLUMNS|LINES|WINDOWID|SSH_.*|XDG_SESSION.*|XDG_RUNTIME_DIR|DBUS_.*|DISPLAY"
    r"|WAYLAND_DISPLAY|LS_COLORS|JPY_.*|JUPYTERHUB_.*|PYDEVD_.*|IPYTHON.*|MPL.*|PYTEST_.*|VSCODE_.*"
    r"|INVOCATION_ID|JOURNAL_STREAM|GIT_.*|CLICOLOR.*|FORCE_COLOR|NO_COLOR|PAGER|LESS.*|KERNEL_.*"
)


def is_fleeting(name: str) -> bool:
    """Whether a variable belongs to the terminal or the kernel that a process happens
    to have."""
    return _FLEETING.fullmatch(name) is not None


@dataclass
class VariableNotes:
    """`given` are variables that earlier stages set: they reach the stage as its
    ambient state. `merged` are reports of other processes, which never write a value
    anywhere."""

    salt: str
    given: frozenset[str] = frozenset()
    values: dict[str, tuple[str | None, Where]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    merged: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read(self, name: str, value: str | None, where: Where) -> None:
        """`value` is None if it is unset."""
        if name in self.own or name in self.given:
            return
        # `dict(os.environ)` looks up each of them after it has asked for all.
        if ALL not in self.values or not is_fleeting(name):
            self.values.setdefault(name, (value, where))

    def write(self, name: str) -> None:
        """From here on the value is the stage's own."""
        self.own.add(name)

    def read_all(self, environment: dict[str, str], where: Where) -> None:
        """All names and values."""
        others = {*self.own, *self.given}
        lines = sorted(
            f"{name}={value}"
            for name, value in environment.items()
            if name not in others and not is_fleeting(name)
        )
        self.read(ALL, "\n".join(lines), where)

    def merge(self, reports: list[dict[str, Any]]) -> None:
        """What another process of the stage has noted."""
        for one in reports:
            if one["name"] not in self.own:
                self.merged.setdefault(one["name"], one)

    def reports(self) -> list[dict[str, Any]]:
        """The `variables` of the `Observations`."""
        merged = [one for name, one in self.merged.items() if name not in self.values]
        return merged + [
            {
                "name": name,
                **self._value(name, value),
                "cell_id": where.cell_id,
                "line": where.line,
            }
            for name, (value, where) in self.values.items()
        ]

    def _value(self, name: str, value: str | None) -> dict[str, str]:
        if value is None:
            return {}
        shown = "" if name == ALL else shown_value(name, value)
        return {"digest": digest_value(value, self.salt), "shown": shown}


class EnvironmentWatch:
    """Tells `read(mapping, key)`, `wrote(key)` and `read_all()` of lookups, between
    `begin` and `end`.

    `mapping` is `os.environ` or `os.environb`; a lookup is told of before it is made.
    """

    def __init__(
        self,
        read: Callable[[Any, Any], None],
        wrote: Callable[[Any], None],
        read_all: Callable[[], None],
    ) -> None:
        self.read = read
        self.wrote = wrote
        self.read_all = read_all

    def begin(self) -> None:
        _teach()
        _watching.append(self)

    def end(self) -> None:
        if self in _watching:
            _watching.remove(self)


_watching: list[EnvironmentWatch] = []
_taught: list[str] = []


def _teach() -> None:
    """Let the class tell who watches. Once in a process and for good: from Python 3.13
    on, a class that has been changed a thousand times goes on with the methods that it
    had."""
    for name, made in (
        ("__getitem__", _getitem),
        ("__iter__", _iter),
        ("__setitem__", _setitem),
        ("__delitem__", _delitem),
    ):
        if name in _taught:
            continue
        _taught.append(name)
        original = getattr(os._Environ, name)
        method = made(original)
        method.__name__, method.__qualname__ = name, original.__qualname__
        method.__doc__ = original.__doc__
        setattr(os._Environ, name, method)


def _getitem(original: Any) -> Any:
    def getitem(self: Any, key: Any) -> Any:
        __tracebackhide__ = True
        for watch in _watching:
            watch.read(self, key)
        return original(self, key)

    return getitem


def _iter(original: Any) -> Any:
    def iterate(self: Any) -> Iterator[Any]:
        for watch in _watching:
            watch.read_all()
        return original(self)  # type: ignore[no-any-return]

    return iterate


def _setitem(original: Any) -> Any:
    def setitem(self: Any, key: Any, value: Any) -> None:
        __tracebackhide__ = True
        original(self, key, value)
        for watch in _watching:
            watch.wrote(key)

    return setitem


def _delitem(original: Any) -> Any:
    def delitem(self: Any, key: Any) -> None:
        __tracebackhide__ = True
        for watch in _watching:
            watch.read(self, key)  # it fails if there is none
        original(self, key)
        for watch in _watching:
            watch.wrote(key)

    return delitem
