"""What each variable may be at one point of the program: values, and the units that gave them.

A state is a stack of layers. A branch pushes a layer, and joining merges the popped ones, so that
the price of a branch is what it changes, not the size of the notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Union

from jupyter_pipe.analysis.interpreter.heap import NOTHING, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["START", "UNBOUND", "Key", "Layer", "Slot", "State"]

START = -2
"""The source of an ambient component that nobody has written yet."""
UNBOUND = -1
"""The source of a name that may be unbound here."""

Key = Union[str, tuple[int, str]]  # noqa: UP007 - evaluated at run time on 3.10
"""A global name (also `@component`, `file:path`), or a local one with the number of its frame."""


class Slot(NamedTuple):
    """`sources` are the units (numbers of top-level statements) whose binding may be the one here."""

    values: Values
    sources: frozenset[int]


Layer = dict[Key, Slot]
GONE = Slot(NOTHING, frozenset((UNBOUND,)))


class State:
    def __init__(self) -> None:
        self.layers: list[Layer] = [{}]
        self.watchers: list[Layer] = []
        self.global_writes = 0

    def get(self, key: Key) -> Slot | None:
        for layer in reversed(self.layers):
            slot = layer.get(key)
            if slot is not None:
                return slot
        return None

    def set(self, key: Key, slot: Slot) -> None:
        self.layers[-1][key] = slot
        if isinstance(key, str):
            self.global_writes += 1
        for watcher in self.watchers:
            seen = watcher.get(key)
            watcher[key] = _union(seen, slot) if seen else slot

    def unbind(self, key: Key) -> None:
        self.set(key, GONE)

    def reset(self) -> None:
        """Drops what unfinished branches have done."""
        del self.layers[1:]
        self.watchers.clear()

    def push(self) -> None:
        self.layers.append({})

    def pop(self) -> Layer:
        return self.layers.pop()

    def flatten(self, depth: int) -> Layer:
        """The layers from `depth` on as one: what has changed since there were `depth` layers."""
        changed: Layer = {}
        for layer in self.layers[depth:]:
            changed.update(layer)
        return changed

    def merge(self, arms: Sequence[Layer]) -> bool:
        """Joins the outcomes of branches that left from here. True if that changed anything."""
        if len(arms) == 1:
            return self._adopt(arms[0])
        changed = False
        for key in {key: None for arm in arms for key in arm}:
            before = self.get(key)
            slots = [arm.get(key, before) or GONE for arm in arms]
            joined = slots[0]
            for slot in slots[1:]:
                joined = _union(joined, slot)
            if joined != before:
                changed = True
                self.set(key, joined)
        return changed

    def watch(self) -> Layer:
        """From now on the returned layer collects every value that any variable takes."""
        watcher: Layer = {}
        self.watchers.append(watcher)
        return watcher

    def unwatch(self) -> None:
        self.watchers.pop()

    def _adopt(self, arm: Layer) -> bool:
        changed = False
        for key, slot in arm.items():
            if self.get(key) != slot:
                changed = True
                self.set(key, slot)
        return changed


def _union(one: Slot, other: Slot) -> Slot:
    if one == other:
        return one
    return Slot(one.values | other.values, one.sources | other.sources)
