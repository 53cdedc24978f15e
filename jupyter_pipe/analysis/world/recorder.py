"""What is written down of the statement that is being interpreted, and how sure it
is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.dataflow.facts import Facts, Finding, Read
from jupyter_pipe.analysis.world.heap import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_pipe.analysis.dataflow.facts import Place, Unit
    from jupyter_pipe.analysis.world.environment import Slot

__all__ = ["Recorder"]


class Recorder:
    """`unit` is the number of the top-level statement, `cell` that of its cell."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.unit = 0
        self.cell: int | None = None
        self._conditions = 0
        self._rough = 0

    def begin(self, unit: Unit) -> None:
        """From now on what is shown belongs to this statement."""
        self.unit, self.cell, self.facts = unit.number, unit.cell.cell.index, unit.facts
        self._conditions = self._rough = 0

    @property
    def is_certain(self) -> bool:
        """Whether what is interpreted now surely runs."""
        return not self._conditions

    @property
    def is_rough(self) -> bool:
        """Whether a name that nobody has bound may be the analyzer's mistake."""
        return bool(self._rough)

    @contextmanager
    def under_a_condition(self) -> Iterator[None]:
        """What is interpreted inside may run or not: a name that it reads may be
        rightly unbound."""
        self._conditions += 1
        try:
            yield
        finally:
            self._conditions -= 1

    @contextmanager
    def roughly(self, when: bool = True) -> Iterator[None]:
        """What is interpreted inside is a guess, so names that are missing there are
        not held against it.

        Examples: the body of a callback that only a library calls, words of a text that
        may be code.
        """
        self._rough += when
        try:
            yield
        finally:
            self._rough -= when

    @contextmanager
    def in_a_module(self) -> Iterator[None]:
        """Inside, the body of a module beside the notebook runs: its effects are not
        the notebook's."""
        facts, self.facts = self.facts, Facts()
        try:
            with self.under_a_condition():
                yield
        finally:
            self.facts = facts

    def read(self, name: str, slot: Slot, place: Place) -> None:
        """The statement uses what `name` may be."""
        if slot.sources == {self.unit}:
            return
        seen = self.facts.reads.get(name)
        if seen is None:
            self.facts.reads[name] = Read(
                place, slot.sources, slot.values, self.is_certain
            )
        elif slot.sources - seen.sources:
            seen.sources |= slot.sources
            seen.values |= slot.values

    def read_history(self, name: str, place: Place) -> None:
        """The statement uses an earlier input or output of IPython's."""
        self.facts.history.setdefault(name, self._read_of_nobody(place))

    def read_undefined(self, name: str, place: Place) -> None:
        """The statement uses a name that no cell has bound."""
        if not self.is_rough:
            self.facts.undefined.setdefault(name, self._read_of_nobody(place))

    def note(self, code: str, message: str, place: Place, hint: str = "") -> None:
        """A diagnostic of this statement."""
        self.facts.findings.append(Finding(code, message, place, hint))

    def _read_of_nobody(self, place: Place) -> Read:
        return Read(place, frozenset(), NOTHING, self.is_certain)
