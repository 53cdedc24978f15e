"""Sets parameters by editing their literals, as the user would have done.

A parameter is a top-level `NAME[: TYPE] = LITERAL`; everything else in the cell stays
as it is, and so does the number of its lines, since messages and tracebacks count them.
Pure.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

__all__ = ["parameter_names", "set_parameters"]


def parameter_names(source: str) -> tuple[str, ...]:
    """The parameters that the cell assigns."""
    return tuple(dict.fromkeys(name for name, _ in _parameters(source)))


def set_parameters(source: str, literals: Mapping[str, str]) -> str:
    """`source` with the value of each parameter in `literals` (name -> Python source)
    replaced.

    Names that the cell does not assign are ignored. A name assigned twice is replaced
    twice, as what it stands for is one value. A cell that is no Python is returned as
    it is.
    """
    edited = source
    # From the last to the first, so that earlier positions stay true.
    for value, literal in reversed(_found(source, literals)):
        edited = _replaced(edited, value, literal)
    return edited


def _found(source: str, literals: Mapping[str, str]) -> list[tuple[ast.expr, str]]:
    return [
        (value, literals[name])
        for name, value in _parameters(source)
        if name in literals
    ]


def _parameters(source: str) -> list[tuple[str, ast.expr]]:
    module = _parse(source) or _parse(_without_magics(source))
    found = [_assigned(statement) for statement in module.body] if module else []
    return [
        (name, value)
        for name, value in found
        if value is not None and _is_literal(value)
    ]


def _parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def _assigned(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            return name, value
    return "", None


def _is_literal(value: ast.expr) -> bool:
    match value:
        case ast.Call(ast.Name("set"), []):  # the only way to write an empty set
            return True
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return False
    return True


def _without_magics(source: str) -> str:
    """Lines of IPython's own syntax become empty ones; positions in the others stay
    true."""
    lines = source.split("\n")
    return "\n".join(
        "" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines
    )


def _replaced(source: str, value: ast.expr, literal: str) -> str:
    lines = source.split("\n")
    first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
    before = _bytes_before(lines[first], value.col_offset)
    after = lines[last][len(_bytes_before(lines[last], value.end_col_offset or 0)) :]
    lost = (last - first) - literal.count("\n")
    lines[first : last + 1] = [f"{before}{literal}{after}", *[""] * max(lost, 0)]
    return "\n".join(lines)


def _bytes_before(line: str, offset: int) -> str:
    """`ast` counts columns in UTF-8 bytes."""
    return line.encode("utf-8")[:offset].decode("utf-8")
