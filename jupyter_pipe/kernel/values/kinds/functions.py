"""Functions and cells by value: what a closure, a lambda or a local function is made
of.

A function of the notebook that travels by value runs with the globals of the stage that
receives it; one that a library made keeps that library's. Cells travel as objects of
their own, so that closures which share a variable still share it.
"""

from __future__ import annotations

import functools
import importlib
import marshal
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import CannotTravelError
from ..decoder import Decoder, restores
from .definitions import Code, digest_definition, is_importable, refer_to
from .kind import Kind

if TYPE_CHECKING:
    from ..digest import Walk
    from ..encoder import Encoder

__all__ = ["CachedFunctions", "Cells", "CodeObjects", "Functions", "cell_content"]


@dataclass
class _Closures:
    """Of one payload: the cells of functions that were met, and for each dict of
    globals that is no module's what takes its place."""

    cells: set[int] = field(default_factory=set)
    scopes: dict[int, dict[str, Any]] = field(default_factory=dict)


class Functions(Code):
    """Functions of Python."""

    def encode(self, encoder: Encoder, value: types.FunctionType) -> Any:
        reduced = _by_name(encoder, value)
        if reduced is not None:
            return reduced
        encoder.kept(_Closures).cells.update(map(id, value.__closure__ or ()))
        owner, own = _globals_of(encoder, value)
        # `lambda x: np.sqrt(x)` travels to a stage that may not have imported numpy.
        imports = imported_names(value) if owner is None else {}
        parts = (value.__code__, owner, value.__name__, value.__closure__, imports)
        return function, parts, function_state(value, own), None, None, set_function

    def digest(self, walk: Walk, value: types.FunctionType) -> None:
        if digest_definition(walk, value):
            return
        if is_importable(walk.definitions, value):
            walk.tagged(b"function", value.__module__, value.__qualname__)
            return
        walk.update(b"function")
        _digest_code(walk, value.__code__)
        walk.tagged(
            b"state",
            function_state(value)["contents"],
            value.__defaults__,
            value.__kwdefaults__,
            value.__dict__,
        )


class CachedFunctions(Code):
    """What `functools.lru_cache` makes: the function travels, what it remembers does
    not."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        reduced = _by_name(encoder, value)
        if reduced is not None:
            return reduced
        # Only what the decorator was given: `maxsize=None` means without limit.
        parameters = value.cache_parameters()
        return cached, (value.__wrapped__, parameters["maxsize"], parameters["typed"])


class Cells(Kind):
    """Variables of closures. The function's state fills them: the function must exist
    first, for it may be in the cell."""

    def encode(self, encoder: Encoder, value: types.CellType) -> Any:
        if id(value) not in encoder.kept(_Closures).cells:
            raise CannotTravelError(
                "a variable of a closure cannot travel without its function"
            )
        # Empty; `contents` in the state of its function fills it.
        return types.CellType, ()


class CodeObjects(Kind):
    """Compiled code."""

    def encode(self, encoder: Encoder, value: types.CodeType) -> Any:
        return code, (marshal.dumps(value),)

    def digest(self, walk: Walk, value: types.CodeType) -> None:
        _digest_code(walk, value)


def _by_name(encoder: Encoder, value: Any) -> Any:
    """The reduction of a function that is found by its name, or None."""
    reference = refer_to(encoder, value)
    if reference is not None:
        return reference
    if is_importable(encoder.definitions, value):
        # Two variables that both hold `math.sqrt` need not travel together.
        encoder.by_reference.add(id(value))
        return NotImplemented
    return None


def _globals_of(
    encoder: Encoder, value: types.FunctionType
) -> tuple[Any, dict[str, Any] | None]:
    """None for the stage's namespace, a module's name, or a dict that all functions
    over the same private globals share, with those globals."""
    if value.__globals__ is encoder.namespace:
        return None, None
    module = globals_module(value)
    if module is not None:
        return module, None
    scope = encoder.kept(_Closures).scopes.setdefault(
        # A namespace of `runpy` or `exec`: functions over one must share one
        # afterwards, too.
        id(value.__globals__),
        {"__name__": value.__module__},
    )
    return scope, value.__globals__


def _digest_code(walk: Walk, value: types.CodeType) -> None:
    """Without file name and lines, which say where the code stood and not what it
    does."""
    walk.atom(
        (
            value.co_name,
            value.co_code,
            value.co_names,
            value.co_varnames,
            value.co_freevars,
        )
    )
    walk.atom(
        (
            value.co_argcount,
            value.co_posonlyargcount,
            value.co_kwonlyargcount,
            # Whether it is a generator or a coroutine is nowhere else.
            value.co_flags,
        )
    )
    walk.tagged(b"constants", tuple(value.co_consts))


def globals_module(function: types.FunctionType) -> str | None:
    """The module whose globals the function uses, if they are a module's."""
    name = function.__globals__.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    return (
        # `__name__` alone proves nothing: a dict that was copied from a module has it
        # as well.
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


@restores
def function(
    decoder: Decoder,
    code: types.CodeType,
    owner: str | dict[str, Any] | None,
    name: str,
    cells: tuple[types.CellType, ...] | None,
    imports: dict[str, str],
) -> types.FunctionType:
    """The function, bare; `set_function` completes it."""
    scope = importlib.import_module(owner).__dict__ if isinstance(owner, str) else owner
    scope = decoder.namespace if scope is None else scope
    for variable, module in imports.items():
        # The stage's own import of that name, or value, stands.
        if variable not in scope:
            scope[variable] = importlib.import_module(module)
    return types.FunctionType(code, scope, name, None, cells)


@restores
def set_function(
    decoder: Decoder, function: types.FunctionType, state: dict[str, Any]
) -> None:
    function.__globals__.update(state.pop("globals"))
    for cell, content in zip(
        function.__closure__ or (), state.pop("contents"), strict=True
    ):
        # An empty tuple is a variable of a closure that was not bound yet.
        if content:
            cell.cell_contents = content[0]
    function.__dict__.update(state.pop("__dict__"))
    for name, value in state.items():
        setattr(function, name, value)


@restores
def cached(decoder: Decoder, function: Any, size: int | None, typed: bool) -> Any:
    return functools.lru_cache(maxsize=size, typed=typed)(function)


@restores
def code(decoder: Decoder, data: bytes) -> types.CodeType:
    found: types.CodeType = marshal.loads(data)  # noqa: S302
    return found
