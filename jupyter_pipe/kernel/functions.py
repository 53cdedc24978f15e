"""Functions and cells by value: what a closure, a lambda or a local function is made of.

A function of the notebook that travels by value runs with the globals of the stage that receives
it; one that a library made keeps that library's. Cells travel as objects of their own, so that
closures which share a variable still share it.
"""

from __future__ import annotations

import marshal
import sys
import types
from typing import Any

__all__ = [
    "cell_content",
    "function_parts",
    "function_state",
    "globals_module",
    "is_global",
    "set_function_state",
]


def is_global(value: Any) -> bool:
    """Whether an import of the module of a class or function gives that very object."""
    qualname = getattr(value, "__qualname__", None)
    found: Any = sys.modules.get(getattr(value, "__module__", None) or "")
    for part in qualname.split(".") if isinstance(qualname, str) else ():
        found = getattr(found, part, None)
    return found is value


def globals_module(function: types.FunctionType, namespace: dict[str, Any]) -> str | None:
    """The module whose globals the function uses; None stands for the stage's namespace."""
    if function.__globals__ is namespace:
        return None
    name = function.__globals__.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    return name if module is not None and module.__dict__ is function.__globals__ else None


def function_parts(function: types.FunctionType, namespace: dict[str, Any]) -> tuple[Any, ...]:
    """What creates the bare function: code, module of the globals, name, cells, imports."""
    code = function.__code__
    owner = globals_module(function, namespace)
    imports = {} if owner is not None else _imported(code, function.__globals__)
    return (marshal.dumps(code), owner, function.__name__, function.__closure__, imports)


def _imported(code: types.CodeType, scope: dict[str, Any]) -> dict[str, str]:
    """The global names of the code that stand for modules: the stage may not have imported them."""
    found = {
        name: scope[name].__name__
        for name in code.co_names
        if isinstance(scope.get(name), types.ModuleType) and scope[name].__name__ in sys.modules
    }
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found.update(_imported(constant, scope))
    return found


def function_state(function: types.FunctionType) -> dict[str, Any]:
    """Everything about the function that may refer back to it."""
    return {
        "contents": tuple(cell_content(cell) for cell in function.__closure__ or ()),
        "__defaults__": function.__defaults__,
        "__kwdefaults__": function.__kwdefaults__,
        "__dict__": function.__dict__,
        "__annotations__": function.__annotations__,
        "__qualname__": function.__qualname__,
        "__module__": function.__module__,
        "__doc__": function.__doc__,
    }


def cell_content(cell: types.CellType) -> tuple[Any, ...]:
    """The variable in the cell, or nothing if it is not bound yet."""
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def set_function_state(function: types.FunctionType, state: dict[str, Any]) -> None:
    """Completes a function that was created bare."""
    for cell, content in zip(function.__closure__ or (), state.pop("contents"), strict=True):
        if content:
            cell.cell_contents = content[0]
    function.__dict__.update(state.pop("__dict__"))
    for name, value in state.items():
        setattr(function, name, value)
