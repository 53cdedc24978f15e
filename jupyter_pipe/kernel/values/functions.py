"""Functions and cells by value: what a closure, a lambda or a local function is made
of.

A function of the notebook that travels by value runs with the globals of the stage that
receives it; one that a library made keeps that library's. Cells travel as objects of
their own, so that closures which share a variable still share it.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from collections.abc import Mapping
from typing import Any

__all__ = [
    "cell_content",
    "function_state",
    "globals_module",
    "imported_names",
    "is_global",
    "referred_names",
    "set_function_state",
]


def is_global(value: Any) -> bool:
    """Whether an import of the module of a class or function gives that very object."""
    qualname = getattr(value, "__qualname__", None)
    found: Any = _module_of(value)
    for part in qualname.split(".") if isinstance(qualname, str) else ():
        found = getattr(found, part, None)
    return found is value


def _module_of(value: Any) -> types.ModuleType | None:
    """The module that a class or function says it is from. A package may hand out what
    one of its modules is said to hold before that is imported: `numpy.recarray` is
    `numpy.rec.recarray`."""
    name = getattr(value, "__module__", None)
    if not isinstance(name, str):
        return None
    if name not in sys.modules and name.partition(".")[0] in sys.modules:
        with contextlib.suppress(
            Exception
        ):  # whatever a module may raise while it is imported
            importlib.import_module(name)
    return sys.modules.get(name)


def globals_module(function: types.FunctionType) -> str | None:
    """The module whose globals the function uses, if they are a module's."""
    name = function.__globals__.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    return (
        name if module is not None and module.__dict__ is function.__globals__ else None
    )


def imported_names(function: types.FunctionType) -> dict[str, str]:
    """The global names in the function that stand for modules: another stage may lack
    them."""
    scope = function.__globals__
    return {
        name: scope[name].__name__
        for name in referred_names(function.__code__)
        if isinstance(scope.get(name), types.ModuleType)
        and scope[name].__name__ in sys.modules
    }


def referred_names(code: types.CodeType) -> set[str]:
    """The names in the code, and in the code within it, that may be globals."""
    inner = [
        constant for constant in code.co_consts if isinstance(constant, types.CodeType)
    ]
    return set(code.co_names).union(*(referred_names(constant) for constant in inner))


def function_state(
    function: types.FunctionType, scope: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Everything about the function that may refer back to it. `scope` are globals of
    its own, of which it takes along what it refers to."""
    names = (
        sorted(referred_names(function.__code__).intersection(scope)) if scope else ()
    )
    return {
        "globals": {name: scope[name] for name in names} if scope else {},
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
    function.__globals__.update(state.pop("globals"))
    for cell, content in zip(
        function.__closure__ or (), state.pop("contents"), strict=True
    ):
        if content:
            cell.cell_contents = content[0]
    function.__dict__.update(state.pop("__dict__"))
    for name, value in state.items():
        setattr(function, name, value)
