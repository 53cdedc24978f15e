"""Today's date and chance between rows and predictions: what is another one in each
run. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from jupyter_pipe.scoring.model import Place, Refusal
from jupyter_pipe.scoring.program import ScoringProgram, place_of_unit

__all__ = ["find_chance", "find_clock"]

# `datetime.now()`, `date.today()`, `pd.Timestamp.utcnow()`, `np.datetime64("today")`.
_METHODS = frozenset({"now", "today", "utcnow"})
_READERS = frozenset({"datetime64", "to_datetime", "Timestamp"})
_WAY_OUT = (
    "Give it a name in a cell of its own, and tag that cell frozen:NAME (it stays as it was in the run) or "
    "live:NAME (it is read anew whenever rows are scored)."
)


def find_chance(program: ScoringProgram, needed: Iterable[int]) -> Place | None:
    """Where a needed statement draws from a generator that the notebook never seeds."""
    seeded = {component for unit in program.units for component in unit.facts.seeds}
    for number in needed:
        unit = program.units[number]
        for component, place in unit.facts.draws.items():
            if component not in seeded:
                lines = unit.source.python.split("\n")
                return Place(
                    place_of_unit(unit).cell, place.line, lines[place.line - 1].strip()
                )
    return None


def find_clock(program: ScoringProgram, needed: Iterable[int]) -> Refusal | None:
    """The first needed statement that reads the calendar and does not say by a tag what
    that means."""
    told = {
        name
        for names in (*program.frozen.values(), *program.live.values())
        for name in names
    }
    for number in needed:
        unit = program.units[number]
        if told.intersection(unit.facts.writes):
            continue
        for node in ast.walk(unit.node):
            if isinstance(node, ast.Call) and _reads_clock(node):
                lines = unit.source.python.split("\n")
                place = Place(
                    place_of_unit(unit).cell,
                    node.lineno,
                    lines[node.lineno - 1].strip(),
                )
                return Refusal(
                    place, "The predictions depend on today's date", _WAY_OUT
                )
    return None


def _reads_clock(call: ast.Call) -> bool:
    name = (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else getattr(call.func, "id", "")
    )
    words = {str(arg.value) for arg in call.args if isinstance(arg, ast.Constant)}
    return (name in _METHODS and not call.args) or (
        name in _READERS and bool(_METHODS & words)
    )
