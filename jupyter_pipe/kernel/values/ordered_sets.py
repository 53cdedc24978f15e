"""Sets that iterate after the trip as they did before it.

A set's order is where its elements lie in its hash table: it depends on the table's
size and on who came first where several want one place. Pickle puts the elements back
in iteration order into a table that grows, which reorders most sets. A recipe says in
which order to put the elements into a table of the right size; it is tried before it is
used. All kernels of a run share one hash seed.
"""

from __future__ import annotations

import operator
import sys
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from typing import Any

__all__ = ["Recipe", "build", "find_recipe", "keeps_order"]

Recipe = tuple[int, tuple[Any, ...]]
"""The size of the hash table and the elements in the order of their insertion."""

_ROUNDS = 12
_LARGEST = 100_000
_EMPTY = sys.getsizeof(set())
_ENTRY = 16


def keeps_order(value: Collection[Any]) -> bool:
    """Whether pickle's own way of rebuilding the set gives the same order."""
    if len(value) < 2:
        return True
    rebuilt: set[Any] = set()
    rebuilt.update(tuple(value))  # from a set, update copies the table
    return _same(rebuilt, value)


def _same(left: Iterable[Any], right: Iterable[Any]) -> bool:
    return all(map(operator.is_, left, right))


def find_recipe(value: Collection[Any]) -> Recipe | None:
    """None if no order of insertion was found that gives the set's order."""
    items = list(value)
    if len(items) > _LARGEST:
        return None
    size = max(8, (sys.getsizeof(value) - _EMPTY) // _ENTRY)
    moved: list[int] = []
    for _ in range(_ROUNDS):
        late = set(moved)
        order = [item for place, item in enumerate(items) if place not in late]
        order += [items[place] for place in moved]
        built = build((size, tuple(order)))
        if _same(built, items):
            return size, tuple(order)
        places = {id(item): place for place, item in enumerate(items)}
        displaced = _out_of_order([places[id(item)] for item in built])
        moved = [place for place in moved if place not in displaced] + displaced
    return None


def build(recipe: Recipe) -> set[Any]:
    """The set that the recipe describes."""
    size, items = recipe
    # CPython makes the table of a set built from a dict at once as large as twice the
    # dict needs
    first = items[: max(0, size // 2 - 1)]
    fillers = [("filler", number) for number in range(size // 4 - len(first))]
    built: set[Any] = set(dict.fromkeys((*first, *fillers)))
    built.difference_update(fillers)
    built.update(items[len(first) :])
    return built


def _out_of_order(sequence: Sequence[int]) -> list[int]:
    """The numbers outside a longest increasing subsequence."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for position, number in enumerate(sequence):
        length = bisect_left(tails, number)
        before.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [number]
        ends[length : length + 1] = [position]
    kept: set[int] = set()
    position = ends[-1] if ends else -1
    while position >= 0:
        kept.add(sequence[position])
        position = before[position]
    return [number for number in sequence if number not in kept]
