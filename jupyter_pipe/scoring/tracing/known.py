"""Which objects hold rows: known by identity, so that lists, attributes and loops need
no bookkeeping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Known", "Ref", "RowCount"]

# So deep lists and dicts are searched for rows.
_DEPTH = 4


class RowCount(int):
    """The number of rows, as `len(frame)` gives it: an object of its own, so that it
    can be told apart."""


@dataclass
class Ref:
    """An object that depends on single rows: `var` in the scorer, and for each entry
    the position of its raw row. `kind` is `rows`, `handle` (an accessor, groups, an
    iterator), `count` or `live`."""

    var: str
    value: Any
    rows: Any
    kind: str = "rows"


class Known:
    """The objects that hold rows, and those that were computed from all rows. Keeps
    them alive: an address that is used again would be mistaken."""

    def __init__(self) -> None:
        self._refs: dict[int, Ref] = {}
        self._frozen: dict[int, Any] = {}

    def add(self, ref: Ref) -> None:
        """Remember that `ref.value` holds rows."""
        self._refs[id(ref.value)] = ref

    def forget(self, value: Any) -> None:
        """From now on the object counts as any other (`frozen:`)."""
        self._refs.pop(id(value), None)

    def of(self, value: Any) -> Ref | None:
        """What is known of this object."""
        found = self._refs.get(id(value))
        return found if found is not None and found.value is value else None

    def freeze(self, value: Any) -> None:
        """Remember that the object was computed from all rows. Small plain values need
        no memory."""
        if not isinstance(value, (bool, int, float, str, type(None))):
            self._frozen[id(value)] = value

    def is_frozen(self, value: Any) -> bool:
        """Whether the object was computed from all rows."""
        return self._frozen.get(id(value)) is value and id(value) in self._frozen

    def within(self, values: Iterable[Any], depth: int = _DEPTH) -> Iterator[Ref]:
        """The refs among these objects and in their lists, tuples, sets and dicts."""
        for value in values:
            ref = self.of(value)
            if ref is not None:
                yield ref
            elif depth and isinstance(value, (list, tuple, set)):
                # A long list of plain values cannot hold frames.
                yield from self.within(
                    value if len(value) <= 1000 else [*value][:50], depth - 1
                )
            elif depth and isinstance(value, dict):
                yield from self.within(list(value.values())[:1000], depth - 1)
            elif depth and isinstance(value, slice):
                yield from self.within((value.start, value.stop, value.step), depth - 1)

    def touches(self, value: Any) -> bool:
        """Whether the object holds rows, or was computed from them and is more than a
        plain value."""
        return next(self.within((value,)), None) is not None or self.is_frozen(value)
