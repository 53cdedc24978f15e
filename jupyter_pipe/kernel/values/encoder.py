"""Turns values into a pickle stream plus memory regions.

Plain pickle does the walking; kinds say what it may not decide: arrays keep shared
memory, notebook definitions travel by reference, functions by value run with the
stage's globals, what has no meaning elsewhere is refused. cloudpickle takes over
classes that no import can find.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ..definitions import Definitions
from .kinds.table import find_encoder
from .memory.arrays import Memory
from .nans import Nans
from .ordered_sets import Recipe

__all__ = ["Encoder", "SetEncoder"]

Kept = TypeVar("Kept")


class Encoder(pickle.Pickler):
    """One payload's worth of pickling. `shared` are owners of object arrays seen more
    than once.

    Kinds write into `memory` (what goes to the file as it is), `objects` (arrays of
    objects, of which only the places matter), `used` (definitions and their digests),
    `by_reference` (ids of what ties no variables together), `apart` (arrays by id that
    share no memory for the user) and `owners` (the copy-on-write group of an array).
    """

    def __init__(
        self,
        definitions: Definitions,
        namespace: dict[str, Any],
        *,
        shared: frozenset[int] = frozenset(),
        cloudpickle: Any = None,
    ) -> None:
        self.file = io.BytesIO()
        super().__init__(self.file, protocol=5, buffer_callback=self._take_buffer)
        self.definitions = definitions
        self.namespace = namespace
        self.shared = shared
        self.cloudpickle = cloudpickle
        self.memory = Memory()
        self.objects = Memory()
        self.used: dict[str, str] = {}
        self.by_reference: set[int] = set()
        self.apart: dict[int, Any] = {}
        self.owners: dict[int, int] = {}
        self.nans = Nans()
        self._kept: dict[type, Any] = {}
        self._rules: dict[type, Callable[[Any], Any] | None] = {}
        if cloudpickle is not None:
            self.dispatch_table = cloudpickle.Pickler.dispatch_table

    def _take_buffer(self, buffer: pickle.PickleBuffer) -> bool:
        self.memory.add_buffer(buffer.raw())
        return False

    def kept(self, record: type[Kept]) -> Kept:
        """What one kind keeps while this payload is encoded: made at the first call."""
        found: Kept | None = self._kept.get(record)
        if found is None:
            found = self._kept[record] = record()
        return found

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        try:
            rule = self._rules[kind]
        except KeyError:
            # Most classes are pickle's own affair. None for them saves a call for each
            # of what may be a million instances.
            found = find_encoder(kind)
            rule = self._rules[kind] = None if found is None else partial(found, self)
        return NotImplemented if rule is None else rule(value)


class SetEncoder(Encoder):
    """Also replaces the sets in `recipes`, by id, with their recipes, and each NaN with
    its name.

    Slower: pickle asks about every single object.
    """

    def __init__(
        self, *arguments: Any, recipes: dict[int, Recipe], **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._recipes = recipes

    def persistent_id(self, value: Any) -> Recipe | str | None:
        kind = type(value)
        if kind is float:
            return self.nans.name_of(value) if value != value else None  # noqa: PLR0124
        return self._recipes.get(id(value)) if kind is set else None
