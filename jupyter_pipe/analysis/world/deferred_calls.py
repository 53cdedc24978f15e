"""Calls that are not followed one by one: what each function is given, over all of
them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.world.heap import NOTHING, Function

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_pipe.analysis.world.heap import Object, Values

__all__ = ["Postponed", "PostponedCalls"]


@dataclass
class Postponed:
    """All calls of one function."""

    callee: Object
    positional: list[Values] = field(default_factory=list)
    keywords: dict[str, Values] = field(default_factory=dict)

    @property
    def function(self) -> Function:
        assert isinstance(self.callee.payload, Function)
        return self.callee.payload

    def give(
        self, positional: Sequence[Values], keywords: Mapping[str, Values]
    ) -> bool:
        """Join the arguments of one more call. Whether anything is new."""
        self.positional += [NOTHING] * (len(positional) - len(self.positional))
        grown = False
        for position, values in enumerate(positional):
            if not values <= self.positional[position]:
                self.positional[position] |= values
                grown = True
        for name, values in keywords.items():
            if not values <= self.keywords.setdefault(name, NOTHING):
                self.keywords[name] |= values
                grown = True
        return grown


class PostponedCalls:
    """Those of one top-level statement. While `open`, every call is postponed."""

    def __init__(self) -> None:
        self.open = False
        self._calls: dict[Object, Postponed] = {}
        self._waiting: dict[Object, Postponed] = {}

    def add(
        self,
        callee: Object,
        positional: Sequence[Values],
        keywords: Mapping[str, Values],
    ) -> None:
        """The function waits to be interpreted, unless it was with all that it is given
        here."""
        is_new = callee not in self._calls
        call = self._calls.setdefault(callee, Postponed(callee))
        if call.give(positional, keywords) or is_new:
            self._waiting[callee] = call

    def take(self) -> Postponed | None:
        """The next function to interpret, None if all are done."""
        return self._waiting.pop(next(iter(self._waiting))) if self._waiting else None
