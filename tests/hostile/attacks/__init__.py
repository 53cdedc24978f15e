"""What strangers do. `attack` registers a function that changes a `Repository`;
`load_attacks` finds all."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from tests.hostile.repository import Repository

__all__ = ["Attack", "attack", "load_attacks"]


@dataclass(frozen=True)
class Attack:
    """`name` says in words what was done; `change` does it. `runs` are the commands
    that start kernels, which take seconds, on which it is worth trying. All others are
    tried anyway, or those in `only`, where no other command opens what was changed, and
    of the routes only pages of operations do. For a command in `runs` or `only`, the
    server is also asked to start a process."""

    name: str
    change: Callable[[Repository], None]
    runs: frozenset[str]
    only: frozenset[str] = frozenset()

    def tries(self, command: str, *, runs: bool) -> bool:
        """Whether it is worth trying on a command, which runs cells or does not."""
        return command in self.runs if runs else command in self.only or not self.only

    def asks(self, starts: frozenset[str], *, is_page: bool, alone: str = "") -> bool:
        """Whether it is worth asking the server for what starts these commands, or for
        a page, or for what it has done by a command `alone`."""
        if starts:
            return bool(starts & self.runs)
        if alone:
            return alone in self.runs | self.only
        return is_page or not self.only


_FOUND: list[Attack] = []


def attack(
    name: str, *, runs: str = "", only: str = ""
) -> Callable[[Callable[[Repository], None]], Callable[[Repository], None]]:
    """Register an attack. `runs` and `only` are words: `"run resume"`."""

    def register(change: Callable[[Repository], None]) -> Callable[[Repository], None]:
        _FOUND.append(
            Attack(name, change, frozenset(runs.split()), frozenset(only.split()))
        )
        return change

    return register


def load_attacks() -> list[Attack]:
    """Every attack of every module in this folder."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return sorted(_FOUND, key=lambda each: each.name)
