"""Containers, modules and buffers of Python itself.

Atoms are not among them: the digest feeds those at the speed of `marshal`, and pickle
knows them.
"""

from __future__ import annotations

import gc
import importlib
import marshal
import pickle
import sys
import types
from itertools import count
from typing import TYPE_CHECKING, Any

from ...checks import short
from ...errors import CannotTravelError
from ..decoder import Decoder, restores
from ..memory.arrays import address_of
from ..plain_containers import ATOMS, are_rows
from .definitions import Code
from .kind import Kind, Pairs, own_names, pairs_of_items

if TYPE_CHECKING:
    from ..digest import Walk
    from ..encoder import Encoder

__all__ = [
    "Buffers",
    "ByteArrays",
    "Forwarding",
    "Mappings",
    "Modules",
    "Sequences",
    "Sets",
    "Views",
    "digest_items",
    "forwards",
]

_MARSHAL = 2  # as `Walk.atom`
_VIEWS = {
    type({}.keys()): "keys",
    type({}.values()): "values",
    type({}.items()): "items",
}


class Sequences(Kind):
    """Lists and tuples. What inherits from one is digested as any other instance."""

    def digest(self, walk: Walk, value: Any) -> None:
        kind = type(value)
        if kind is list:
            digest_items(walk, value, b"list")
        elif kind is tuple:
            digest_items(walk, value, b"tuple")
        else:
            super().digest(walk, value)

    def pairs(self, path: str, before: Any, after: Any) -> Pairs:
        return pairs_of_items(path, before, after)


def digest_items(walk: Walk, value: list[Any] | tuple[Any, ...], tag: bytes) -> None:
    """Elements in their order; all at once where they are atoms, or many lists or
    dicts of atoms."""
    walk.update(tag)
    if ATOMS.issuperset(map(type, value)):
        walk.atom(value)
    elif are_rows(value) and _are_new(walk, value):
        walk.update(b"rows")
        walk.atom(value)
    else:
        walk.atom(len(value))
        for item in value:
            walk.feed(item)


def _are_new(walk: Walk, rows: list[Any] | tuple[Any, ...]) -> bool:
    """Whether these are distinct and none was met before, so that none needs to be
    walked for itself; marks them as met."""
    # both have the same length; to have that checked takes a fifth longer
    known = dict(zip(map(id, rows), zip(count(len(walk.seen)), rows)))  # noqa: B905
    if len(known) < len(rows) or known.keys() & walk.seen.keys():
        return False
    walk.seen.update(known)
    return True


class Mappings(Kind):
    """Dicts, in their order."""

    def digest(self, walk: Walk, value: dict[Any, Any]) -> None:
        if type(value) is not dict:
            super().digest(walk, value)
            return
        digest_items(walk, tuple(value), b"dict")
        digest_items(walk, tuple(value.values()), b"")

    def pairs(self, path: str, before: Any, after: Any) -> Pairs:
        yield f"list({path})", list(before), list(after)
        yield from (
            (f"{path}[{key!r}]", value, after.get(key)) for key, value in before.items()
        )


class Sets(Kind):
    """Sets: their order is an accident of hashing, so their digest goes by the sorted
    digests of the elements. `ordered_sets` has how they are encoded."""

    def digest(self, walk: Walk, value: Any) -> None:
        kind = type(value)
        if kind not in (set, frozenset):
            super().digest(walk, value)
            return
        walk.update(kind.__name__.encode())
        if ATOMS.issuperset(map(type, value)):
            parts = sorted(marshal.dumps(item, _MARSHAL) for item in value)
        else:
            parts = sorted(walk.apart(item) for item in value)
        walk.atom(parts)

    def pairs(self, path: str, before: Any, after: Any) -> Pairs:
        yield f"len({path})", len(before), len(after)
        yield (
            path,
            sorted(map(short, before - after)),
            sorted(map(short, after - before)),
        )


class Views(Kind):
    """`d.keys()` and its like: cloudpickle would make a view of a copy, which no longer
    sees what happens to the dict."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        (viewed,) = gc.get_referents(value)
        return dict_view, (viewed, _VIEWS[type(value)])


class ByteArrays(Kind):
    """Bytes that can change."""

    def digest(self, walk: Walk, value: bytearray) -> None:
        if type(value) is not bytearray:
            super().digest(walk, value)
            return
        walk.update(b"bytearray")
        walk.atom(bytes(value))


class Buffers(Kind):
    """The memory behind a foreign object, such as an Arrow array."""

    def digest(self, walk: Walk, value: pickle.PickleBuffer) -> None:
        memory = value.raw()
        walk.tagged(b"buffer", len(memory))
        place = walk.place_of(address_of(memory)) if len(memory) else None
        if place is not None:
            walk.tagged(b"place", place)
        else:
            walk.update(memory)


class Modules(Code):
    """Modules, by name."""

    def encode(self, encoder: Encoder, value: types.ModuleType) -> Any:
        if value.__name__ not in sys.modules or value.__name__ == "__main__":
            raise CannotTravelError(
                f"the module {value.__name__} cannot be imported elsewhere"
            )
        return module, (value.__name__,)

    def digest(self, walk: Walk, value: types.ModuleType) -> None:
        walk.tagged(b"module", value.__name__)


def forwards(kind: type) -> bool:
    """Whether instances answer for attributes that they lack. Pickle asks a bare new
    instance for `__setstate__`, and a class that forwards to one of its attributes
    would never end answering."""
    own = own_names(kind)
    return "__getattr__" in own and not own & {
        "__setstate__",
        "__reduce__",
        "__reduce_ex__",
    }


class Forwarding(Kind):
    """Instances of classes that forward, such as a dict with its keys as attributes."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        parts: tuple[Any, ...] = (*value.__reduce_ex__(5), None, None)
        return *parts[:5], set_state


@restores
def dict_view(decoder: Decoder, viewed: dict[Any, Any], kind: str) -> Any:
    return getattr(viewed, kind)()


@restores
def module(decoder: Decoder, name: str) -> types.ModuleType:
    return importlib.import_module(name)


@restores
def set_state(decoder: Decoder, value: Any, state: Any) -> None:
    """As pickle does it, but without asking the instance for anything."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    if attributes:
        object.__getattribute__(value, "__dict__").update(attributes)
    for name, part in (slots or {}).items():
        object.__setattr__(value, name, part)
