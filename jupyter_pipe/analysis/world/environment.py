"""What each variable may be at one point of the program: values, and the units that
gave them.

The environment is a stack of layers. A branch pushes a layer, and joining merges the
popped ones, so that the price of a branch is what it changes, not the size of the
notebook.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Union

from jupyter_pipe.analysis.source.scopes import Frame, Scope
from jupyter_pipe.analysis.world.heap import NOTHING, Values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_pipe.analysis.world.heap import Object

__all__ = ["START", "UNBOUND", "Environment", "Key", "Layer", "Slot", "StarImports"]

START = -2
"""The source of an ambient component that nobody has written yet."""
UNBOUND = -1
"""The source of a name that may be unbound here."""

Key = Union[str, tuple[int, str]]  # noqa: UP007 - evaluated at run time on 3.10
"""A global name (also `@component`, `file:path`), or a local one with the number of its
frame."""


class Slot(NamedTuple):
    """`sources` are the units (numbers of top-level statements) whose binding may be
    the one here."""

    values: Values
    sources: frozenset[int]


Layer = dict[Key, Slot]
GONE = Slot(NOTHING, frozenset((UNBOUND,)))


@dataclass
class StarImports:
    """`units` are the statements `from module import *`, `modules` what they name,
    `missing` those among these that cannot be found."""

    units: list[int] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Environment:
    """`frame` is the one that runs, `globals` the notebook's own.

    `holders` are the global names that each object has had, `of_state` those that stand
    for a part of the process, as `env = os.environ` does. Annotations are kept as text
    once a cell has imported that from `__future__` (`postponed_annotations`).
    """

    def __init__(self) -> None:
        self.layers: list[Layer] = [{}]
        self.watchers: list[Layer] = []
        self.global_writes = 0
        self.globals = Frame(Scope(), kind="module", prefix=False)
        self.frame = self.globals
        self.holders: dict[Object, set[str]] = {}
        self.of_state: set[str] = set()
        self.star_imports = StarImports()
        self.postponed_annotations = False

    # Frames

    @property
    def is_top_level(self) -> bool:
        """Whether the code that runs stands in the notebook itself, in no function,
        class or module."""
        return self.frame is self.globals

    @contextmanager
    def inside(self, frame: Frame) -> Iterator[None]:
        """Inside, names mean what they mean in `frame`."""
        outer, self.frame = self.frame, frame
        try:
            yield
        finally:
            self.frame = outer

    @contextmanager
    def inside_module(self, frame: Frame) -> Iterator[None]:
        """Inside, the body of a module runs: what it binds stays, also if the import
        stands in a branch."""
        layers = self.layers
        self.layers = layers[:1]
        try:
            with self.inside(frame):
                yield
        finally:
            self.layers = layers

    def find(self, name: str) -> Slot | None:
        """What a local name is here, as Python looks it up: in this function, then in
        those around it.

        None if it is a name of the module, or a builtin.
        """
        frame = self.frame
        if frame.parent is None:
            return None
        if name in frame.scope.names:
            slot = self.get(frame.key(name))
            if slot is not None and (slot.values or slot.sources != {UNBOUND}):
                return slot
            if frame.kind != "class":
                return GONE
        owner = None if name in frame.scope.global_ else frame.enclosing(name)
        return None if owner is None else self.get(owner.key(name)) or GONE

    # Slots

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

    # Branches

    def reset(self) -> None:
        """Drops what unfinished branches have done."""
        del self.layers[1:]

    def push(self) -> None:
        self.layers.append({})

    def pop(self) -> Layer:
        return self.layers.pop()

    def flatten(self, depth: int) -> Layer:
        """The layers from `depth` on as one: what has changed since there were `depth`
        layers."""
        changed: Layer = {}
        for layer in self.layers[depth:]:
            changed.update(layer)
        return changed

    def merge(self, arms: Sequence[Layer]) -> bool:
        """Joins the outcomes of branches that left from here. True if that changed
        anything."""
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

    @contextmanager
    def watched(self) -> Iterator[Layer]:
        """Inside, the layer collects every value that any variable takes."""
        watcher: Layer = {}
        self.watchers.append(watcher)
        try:
            yield watcher
        finally:
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
