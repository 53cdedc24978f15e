"""What a kind of values is asked, and the answers for all that have no kind of their
own: pickle takes them apart, attributes say what they are."""

from __future__ import annotations

import copyreg
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..digest import Walk
    from ..encoder import Encoder

__all__ = [
    "Kind",
    "Pairs",
    "attributes",
    "full_name",
    "is_plain",
    "own_names",
    "package_of",
    "pairs_of_items",
]

Pairs = Iterator[tuple[str, Any, Any]]
"""The parts of two values side by side, each with the path that leads to it."""

_HEAP_TYPE = 1 << 9
"""CPython's flag of classes that a program made, whose instances have a `__dict__`."""
_TAKEN_APART_BY = frozenset(
    {
        "__reduce__",
        "__reduce_ex__",
        "__getstate__",
        "__getnewargs__",
        "__getnewargs_ex__",
        "__slots__",
    }
)


class Kind:
    """Values that are treated alike. Kinds have no state: one object serves all kernels'
    values; what belongs to one payload is kept by its encoder, decoder or walk.

    How a value is made again is a function marked with `decoder.restores`, beside the
    kind, and `encode` names it.
    """

    def __init__(self, *, is_immutable: bool = False) -> None:
        self.is_immutable = is_immutable
        """Whether no instance ever changes: sharing one ties nothing together, and it
        makes no difference which one it is."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        """What `__reduce_ex__` would give, or NotImplemented to leave the value to
        pickle. Raises CannotTravelError."""
        return NotImplemented

    def digest(self, walk: Walk, value: Any) -> None:
        """Feeds what the value's content is; equal content must feed the same. Raises
        NoRuleError, or whatever the value raises."""
        if walk.is_plain(value):
            walk.tagged(b"instance", type(value), self.state(value))
            return
        parts = self.reduce(value)
        if isinstance(parts, str):
            walk.tagged(b"global", getattr(value, "__module__", ""), parts)
            return
        walk.tagged(b"reduced", len(parts), *parts[:3])
        for items in parts[3:5]:
            walk.feed(None if items is None else list(items))

    def state(self, value: Any) -> dict[str, Any]:
        """For a digest: the attributes that are the value's content."""
        state: dict[str, Any] = value.__dict__
        return state

    def reduce(self, value: Any) -> Any:
        """For a digest: what pickle would take the value apart into."""
        registered = copyreg.dispatch_table.get(type(value))
        return registered(value) if registered else value.__reduce_ex__(5)

    def pairs(self, path: str, before: Any, after: Any) -> Pairs:
        """For people: where two values of one class may differ. Attributes of an
        instance, else what pickle would keep of it."""
        own, others = attributes(before), dict(attributes(after))
        if own:
            # What only one of them has is a cache.
            yield from (
                (f"{path}.{name}", value, others[name])
                for name, value in own
                if name in others
            )
            return
        try:
            one, other = (value.__reduce_ex__(4) for value in (before, after))
        except Exception:
            return  # it cannot be pickled: nothing more can be seen
        if isinstance(one, tuple) and isinstance(other, tuple):
            yield (
                path,
                [part for part in one[1:3] if part],
                [part for part in other[1:3] if part],
            )


def package_of(kind: type) -> str:
    """The top-level package that a class says it comes from; some say nothing."""
    module = kind.__module__
    return module.split(".", 1)[0] if isinstance(module, str) else ""


def full_name(kind: type) -> str:
    """The class's name with its module."""
    return f"{kind.__module__}.{kind.__qualname__}"


def own_names(kind: type) -> set[str]:
    """What the class and its bases define, `object` aside."""
    return {name for base in kind.__mro__[:-1] for name in vars(base)}


def is_plain(kind: type) -> bool:
    """Whether class and `__dict__` say all about an instance, so that the pickle
    protocol need not be asked."""
    if kind is object or not kind.__mro__[-2].__flags__ & _HEAP_TYPE:
        return False
    if issubclass(kind, (dict, list, set, tuple, Exception)):
        return False
    return not own_names(kind) & _TAKEN_APART_BY


def attributes(value: Any) -> list[tuple[str, Any]]:
    """What an instance holds, in its `__dict__` and in slots."""
    if isinstance(value, type):
        return []
    found = getattr(value, "__dict__", None)
    attributes = list(found.items()) if isinstance(found, dict) else []
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                attributes.append((name, getattr(value, name)))
    return attributes


def pairs_of_items(path: str, before: Any, after: Any) -> Pairs:
    """Of two sequences: the lengths, then one element after the other."""
    yield f"len({path})", len(before), len(after)
    pairs = zip(before, after, strict=False)
    yield from (
        (f"{path}[{place}]", one, other) for place, (one, other) in enumerate(pairs)
    )
