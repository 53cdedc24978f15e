"""Reads the expressions of `gate:` tags and the `print(name)` cells of Kale's
`pipeline-metrics`.

Pure. `parse_gate` raises ValueError with Python's own message.
"""

from __future__ import annotations

import ast
import builtins
import symtable

from jupyter_pipe.model import Gate

__all__ = ["parse_gate", "printed_names"]


LONGEST_GATE = 2_000
"""Characters. A condition that needs more belongs into a variable of the cell."""


def parse_gate(text: str, cell_id: str) -> Gate:
    """The gate with the variables that it reads, in order of appearance."""
    expression = text.strip()
    if len(expression) > LONGEST_GATE:
        raise ValueError(f"at most {LONGEST_GATE:,} characters")
    try:
        tree = ast.parse(expression, mode="eval")
        table = symtable.symtable(expression, "<gate>", "eval")
    except (RecursionError, MemoryError):
        raise ValueError("it is nested too deeply") from None
    except SyntaxError as error:
        raise ValueError(error.msg) from None
    # In `max(row.mae for row in rows)`, `row` is bound and `max` is always there.
    free = _free_names(table, top=True).difference(dir(builtins))
    found = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    names = dict.fromkeys(name for name in found if name in free)
    return Gate(expression, tuple(names), cell_id)


def _free_names(table: symtable.SymbolTable, *, top: bool) -> set[str]:
    names = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (top or symbol.is_global())
    }
    for child in table.get_children():
        names |= _free_names(child, top=False)
    return names


def printed_names(source: str) -> list[str]:
    """The names that the top-level `print(name)` statements of a cell print."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return []
    names = []
    for statement in body:
        match statement:
            case ast.Expr(ast.Call(ast.Name("print"), args=[ast.Name(name)])):
                names.append(name)
    return names
