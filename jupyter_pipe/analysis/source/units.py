"""Cuts the program into units: its top-level statements, each with its role and
stage."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.dataflow.facts import Unit
from jupyter_pipe.analysis.source.magics import Transformed, transform
from jupyter_pipe.model import SETUP_STAGE, Diagnostic, Severity

if TYPE_CHECKING:
    from jupyter_pipe.analysis.program import Program, ProgramCell

__all__ = ["cut", "is_parameter", "observers"]


def cut(program: Program) -> tuple[list[Unit], list[Diagnostic]]:
    """All units in notebook order, and a diagnostic for each cell that does not parse
    but must.

    One tagged `raises-exception` fails as it does in the notebook, and so does
    nothing."""
    units: list[Unit] = []
    problems: list[Diagnostic] = []
    for cell in program.cells:
        source = transform(cell.cell.source)
        if source.problem is not None:
            if cell.role != "skip" and "raises-exception" not in cell.cell.tags:
                problems.append(_unparsable(cell, source))
            continue
        statements = source.tree.body if source.tree is not None else []
        for node in statements:
            displays = node is statements[-1] and not source.python.rstrip().endswith(
                ";"
            )
            role, stage = _place(cell, node)
            units.append(Unit(len(units), cell, source, node, role, stage, displays))
    return units, problems


def _place(cell: ProgramCell, node: ast.stmt) -> tuple[str, str | None]:
    if cell.role == "parameters":
        if is_parameter(node):
            return "parameter", None
        return ("stage", cell.stage) if cell.stage else ("leading", None)
    return cell.role, cell.stage if cell.role == "stage" else None


def is_parameter(node: ast.stmt) -> bool:
    """A top-level `NAME[: TYPE] = LITERAL`."""
    match node:
        case ast.Assign(targets=[ast.Name()], value=value):
            return _is_literal(value)
        case ast.AnnAssign(target=ast.Name(), value=ast.expr() as value):
            return _is_literal(value)
    return False


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _unparsable(cell: ProgramCell, source: Transformed) -> Diagnostic:
    assert source.problem is not None
    message, line, column = source.problem
    return Diagnostic(
        "PIPE200",
        Severity.error,
        f"Cell {cell.cell.number} is not Python: {message} (line {line}).",
        hint="Fix the line, or tag the cell `skip` if it is not part of the pipeline.",
        cell_id=cell.cell.id,
        cell=cell.cell.number,
        line=line,
        column=column,
        stage=cell.stage,
    )


def observers(units: list[Unit]) -> dict[int, list[Unit]]:
    """Gates, metrics and contracts as units, keyed by the last unit of their stage:
    what they read when."""
    last: dict[str, Unit] = {}
    looks: list[tuple[str, ProgramCell, str]] = []
    seen: set[str] = set()
    for unit in units:
        stage = unit.stage or (SETUP_STAGE if unit.role == "leading" else None)
        if stage is None:
            continue
        last[stage] = unit
        if unit.cell.cell.id not in seen:
            seen.add(unit.cell.cell.id)
            looks += [(stage, unit.cell, text) for text in _looked_at(unit.cell)]
    found: dict[int, list[Unit]] = {}
    for stage, cell, text in looks:
        node = _expression(text)
        if node is not None:
            anchor = last[stage]
            look = Unit(anchor.number, cell, transform(text), node, "observer", stage)
            found.setdefault(anchor.number, []).append(look)
    return found


def _looked_at(cell: ProgramCell) -> tuple[str, ...]:
    return (*cell.metrics, *cell.gates, *cell.contracts)


def _expression(text: str) -> ast.stmt | None:
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return None
    return body[0] if body else None
