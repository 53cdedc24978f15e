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
    except (SyntaxError, ValueError) as error:
        raise ValueError(
            error.msg if isinstance(error, SyntaxError) else str(error)
        ) from None
    free = _free_names(table, top=True)
    found = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    names = tuple(
        dict.fromkeys(
            name for name in found if name in free and not hasattr(builtins, name)
        )
    )
    return Gate(expression, names, cell_id)


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
    calls = (statement.value for statement in body if isinstance(statement, ast.Expr))
    return [
        call.args[0].id
        for call in calls
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "print"
        and len(call.args) == 1
        and isinstance(call.args[0], ast.Name)
    ]
