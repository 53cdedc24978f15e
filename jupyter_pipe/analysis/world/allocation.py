"""Which abstract object a place in the code makes: the same for each time that it runs
in one context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_pipe.analysis.knowledge.same_modules import first_name
from jupyter_pipe.analysis.world.heap import Library, Object, Text

if TYPE_CHECKING:
    from jupyter_pipe.analysis.world.call_stack import CallStack
    from jupyter_pipe.analysis.world.heap import Heap, Payload

__all__ = ["Allocator"]

MOST_CONTEXTS = 8
"""In so many of the calls that one statement leads to does a place make objects of
their own; what it makes in others is one object. Expressions that are rewritten
recursively make no end of them."""


class Allocator:
    def __init__(self, heap: Heap, calls: CallStack) -> None:
        self.heap = heap
        self.calls = calls
        self._unit = 0
        self._contexts: dict[Any, int] = {}
        self._made: dict[tuple[tuple[Any, ...], Any], Object] = {}
        self._libraries: dict[str, Object] = {}
        self._texts: dict[str, Object] = {}

    def begin(self, unit: int) -> None:
        """From now on objects are made by the top-level statement of this number."""
        self._unit = unit
        self._contexts.clear()

    def allocate(
        self,
        site: Any,
        type_: str = "",
        payload: Payload = None,
        *,
        open_: bool = False,
    ) -> Object:
        """The object that `site` (a node, or a tuple with one) makes in this context.

        What a node makes of something that goes back to itself is that again: `xs =
        xs[1:]` in a loop or in a recursion makes two lists, not any number.
        """
        node, of = site if isinstance(site, tuple) and len(site) == 2 else (site, None)
        of = of if isinstance(of, Object) else None
        made_before = _origin(of, node, type_)
        if made_before is not None:
            return made_before
        key = self._key(site)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self.heap.make(type_, payload, open_=open_)
            found.maker, found.of = node, of
        elif type_ and not found.type:
            found.type = type_
        return found

    def _key(self, site: Any) -> tuple[tuple[Any, ...], Any]:
        """The place with the calls that led there, or without them where these are too
        many."""
        key = () if self.calls.postponed.open else self.calls.sites, site
        if key in self._made:
            return key
        count = self._contexts[site] = self._contexts.get(site, 0) + 1
        return ((self._unit,), site) if count > MOST_CONTEXTS else key

    def library(self, qualified: str) -> Object:
        """The module, class or function of a library."""
        found = self._libraries.get(qualified)
        if found is None:
            name = first_name(qualified)
            made = self.heap.make("builtins.module", Library(name))
            found = self._libraries[qualified] = self._libraries.setdefault(name, made)
        return found

    def text(
        self, value: str, type_: str = "builtins.str", *, exact: bool = True
    ) -> Object:
        """The constant; without `exact` one that is known in part only."""
        key = type_ + value + "=*"[not exact]
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = self.heap.make(type_, Text(value, exact))
        return found


def _origin(of: Object | None, node: Any, type_: str) -> Object | None:
    """The object among those that `of` was made of that this node made."""
    while of is not None:
        if of.maker is node and of.type == type_:
            return of
        of = of.of
    return None
