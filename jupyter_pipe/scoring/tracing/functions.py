"""The notebook's functions: their code, what they read, and calls as a straight line of
their body."""

from __future__ import annotations

import ast
import copy
import inspect
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_pipe.scoring.tracing.known import Known
from jupyter_pipe.scoring.tracing.scopes import Scope

if TYPE_CHECKING:
    from jupyter_pipe.scoring.tracing.expressions import Interpreter

__all__ = ["FunctionTable", "Returned", "call_function", "with_names"]

# Calls within calls: a recursion over rows is left to Python.
_DEEPEST = 30
FunctionNode = ast.FunctionDef | ast.Lambda


class Returned(Exception):  # noqa: N818 - a way through the body, not an error
    """What a `return` gives."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class FunctionTable:
    """The code of functions that the notebook defines, found by where they were
    compiled."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, int, str], list[FunctionNode]] = {}
        self._made: dict[int, tuple[Any, FunctionNode]] = {}

    def read(self, tree: ast.AST) -> None:
        """Remember all functions in the code of a cell."""
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                name = node.name if isinstance(node, ast.FunctionDef) else "<lambda>"
                decorators = (
                    node.decorator_list if isinstance(node, ast.FunctionDef) else []
                )
                # Python counts a function from its first decorator.
                first = decorators[0].lineno if decorators else node.lineno
                key = (f"<cell {getattr(node, 'cell', 0)}>", first, name)
                self._nodes.setdefault(key, []).append(node)

    def add(self, function: Any, node: ast.Lambda) -> None:
        """Remember which code a lambda has."""
        # The function is kept, so that no other one gets its id.
        self._made[id(function)] = (function, node)

    def add_nested(self, value: Any, node: ast.expr) -> None:
        """Remember the code of lambdas in a dict or list that was just made."""
        if isinstance(node, ast.Dict) and isinstance(value, dict):
            pairs = zip(value.values(), node.values, strict=False)
        elif isinstance(node, (ast.List, ast.Tuple)) and isinstance(
            value, (list, tuple)
        ):
            pairs = zip(value, node.elts, strict=False)
        else:
            return
        for one, code in pairs:
            if isinstance(code, ast.Lambda):
                self.add(one, code)

    def node_of(self, function: Any) -> FunctionNode | None:
        """The code of a function of the notebook; None for others, and where several
        could be meant."""
        if id(function) in self._made and self._made[id(function)][0] is function:
            return self._made[id(function)][1]
        code = getattr(function, "__code__", None)
        if not isinstance(function, types.FunctionType) or code is None:
            return None
        found = self._nodes.get(
            (code.co_filename, code.co_firstlineno, code.co_name), []
        )
        fitting = [node for node in found if len(node.args.args) == code.co_argcount]
        # Two lambdas on one line have the same place.
        return fitting[0] if len(fitting) == 1 else None

    def reads_rows(self, value: Any, known: Known) -> bool:
        """Whether a function of the notebook reads rows other than through its
        arguments."""
        return self.find_rows_read(value, known) is not None

    def find_rows_read(self, value: Any, known: Known, depth: int = 4) -> str | None:
        """The variable through which a function reads rows."""
        if not isinstance(
            value, types.FunctionType
        ) or not value.__code__.co_filename.startswith("<cell "):
            return None
        seen = dict(zip(value.__code__.co_freevars, _cells(value), strict=False))
        for name in _global_names(value.__code__):
            seen.setdefault(name, value.__globals__.get(name))
        for name, one in seen.items():
            if any(ref.kind != "count" for ref in known.within((one,))):
                return name
            if (
                depth
                and one is not value
                and self.find_rows_read(one, known, depth - 1)
            ):
                return name
        return None


def _cells(function: types.FunctionType) -> list[Any]:
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:
            # A name of the enclosing function that has no value yet.
            found.append(None)
    return found


def _global_names(code: types.CodeType) -> set[str]:
    """Names that the code or a function in it may look up outside."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _global_names(constant)
    return names


def call_function(
    interpreter: Interpreter,
    function: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """Interpret the body of a function of the notebook with these arguments. Raises
    NotInterpretedError."""
    node = interpreter.functions.node_of(function)
    if node is None or interpreter.depth >= _DEEPEST or _is_special(node):
        raise NotInterpretedError
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    closure = dict(zip(function.__code__.co_freevars, _cells(function), strict=False))
    scope = Scope(function.__globals__, {**closure, **bound.arguments})
    interpreter.depth += 1
    try:
        if isinstance(node, ast.Lambda):
            return interpreter.value(node.body, scope)
        interpreter.execute(node.body, scope)
    except Returned as found:
        return found.value
    finally:
        interpreter.depth -= 1
    return None


class NotInterpretedError(Exception):
    """The function is called as it is."""


def _is_special(node: FunctionNode) -> bool:
    """Generators and decorated functions are left to Python."""
    if isinstance(node, ast.FunctionDef) and node.decorator_list:
        return True
    return any(
        isinstance(each, (ast.Yield, ast.YieldFrom, ast.Await))
        for each in ast.walk(node)
    )


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, ast.expr]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id in self._names:
            return self._names[node.id]
        return node


def with_names(node: Any, names: Mapping[str, ast.expr]) -> Any:
    """A copy of the code in which names are replaced."""
    return _Renamed(names).visit(copy.deepcopy(node))
