"""Ambient state: global generators, options and settings that code uses without naming them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_pipe.analysis.facts import Unit

__all__ = ["drop_unseeded"]


def drop_unseeded(units: Sequence[Unit]) -> None:
    """A generator that the notebook never seeds is not carried: every stage draws fresh entropy."""
    drawn = {component for unit in units for component in unit.facts.draws}
    seeded = {component for unit in units for component in unit.facts.seeds}
    for component in drawn - seeded:
        for unit in units:
            unit.facts.reads.pop(component, None)
            unit.facts.writes.pop(component, None)
            unit.facts.bound.pop(component, None)
