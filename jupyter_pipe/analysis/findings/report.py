"""Turns findings into diagnostics with a cell, a line and the severity of their
rule."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from jupyter_pipe.diagnostics import severity_of
from jupyter_pipe.model import Diagnostic, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_pipe.analysis.dataflow.facts import Place, Unit

__all__ = ["cell_number", "did_you_mean", "report"]


def report(
    code: str,
    unit: Unit,
    place: Place,
    message: str,
    hint: str = "",
    *,
    fixes: tuple[Fix, ...] = (),
    severity: Severity | None = None,
) -> Diagnostic:
    """A diagnostic at `place` of the unit's cell, in the user's lines and columns."""
    # Magics were rewritten: a column in the Python text is another one in the cell.
    line, column = unit.source.position(place[0], place[1])
    return Diagnostic(
        code,
        severity or severity_of(code),
        message,
        hint,
        unit.cell.cell.id,
        unit.cell.cell.number,
        line,
        column,
        unit.stage,
        fixes,
    )


def cell_number(unit: Unit) -> str:
    """How messages call a cell."""
    number = unit.cell.cell.number
    # A cell made by a tool may have no number that people see.
    return f"cell {number}" if number is not None else f"cell {unit.cell.cell.id}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to append to a message, or nothing."""
    # Three quarters alike: `mode1` for `model`, but not `mean` for `main`.
    close = difflib.get_close_matches(
        name, [other for other in known if other != name], n=1, cutoff=0.75
    )
    return f" Did you mean '{close[0]}'?" if close else ""
