"""Directed graphs of stages, cells or definitions: what is reachable, in which order,
where a cycle is.

Functions of values; a node is anything that can be hashed. Raises only CycleError.
"""

from __future__ import annotations

import graphlib
import heapq
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["CycleError", "find_cycle", "followers", "in_order", "reachable"]

Node = TypeVar("Node")


class CycleError(ValueError):
    """`cycle` is a path that ends where it starts, such as `("a", "b", "a")`."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        super().__init__(f"stages depend on each other: {' -> '.join(cycle)}")
        self.cycle = cycle


def reachable(
    starts: Iterable[Node], following: Callable[[Node], Iterable[Node]]
) -> set[Node]:
    """`starts`, and all that `following` leads to from them: of `a -> b -> c`, from
    `b`, `{b, c}`."""
    found: set[Node] = set()
    # A list and not recursion: chains of a thousand stages or definitions are deeper
    # than Python's stack.
    todo = list(starts)
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo.extend(following(node))
    return found


def followers(pairs: Iterable[tuple[Node, Node]]) -> Callable[[Node], Iterable[Node]]:
    """What `reachable` follows, from pairs `(from, to)`."""
    found: dict[Node, list[Node]] = defaultdict(list)
    for from_, to in pairs:
        found[from_].append(to)
    return lambda node: found.get(node, ())


def in_order(names: Sequence[str], before: Mapping[str, Iterable[str]]) -> list[str]:
    """`names`, each after all that stand `before` it, in the given order where that
    leaves a choice.

    Every name in `before` must be among `names`. Raises CycleError.
    """
    position = {name: number for number, name in enumerate(names)}
    sorter = graphlib.TopologicalSorter({name: before.get(name, ()) for name in names})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        raise CycleError(tuple(error.args[1])) from None
    ordered: list[str] = []
    ready: list[int] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            # The smallest position first: of all orders that are possible the one
            # closest to the notebook's.
            heapq.heappush(ready, position[name])
        ordered.append(names[heapq.heappop(ready)])
        sorter.done(ordered[-1])
    return ordered


def find_cycle(before: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """One cycle as a path that ends where it starts; empty if there is none."""
    try:
        graphlib.TopologicalSorter(before).prepare()
    except graphlib.CycleError as error:
        return tuple(error.args[1])
    return ()
