"""The state that lives in a class or function besides its source: attributes set later,
defaults that were filled, variables of a closure.

A portrait maps the path of each part (`("total",)`, `("add", "__defaults__")`) to a
digest; two portraits of one definition show which parts changed.
"""

from __future__ import annotations

import enum
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

__all__ = [
    "REMOVED",
    "Path",
    "apply_changes",
    "cached_results",
    "differences",
    "draw",
    "is_redefined",
]

Path = tuple[Any, ...]
Digest = Callable[[Any], str]
REMOVED = "jupyter_pipe: removed"
_TECHNICAL = frozenset(
    {
        *(
            "__dict__",
            "__weakref__",
            "__module__",
            "__qualname__",
            "__doc__",
            "__slots__",
        ),
        *(
            "__annotations__",
            "__annotate__",
            "__annotate_func__",
            "__annotations_cache__",
        ),
        *(
            "__static_attributes__",
            "__firstlineno__",
            "__type_params__",
            "__parameters__",
        ),
        *(
            "__orig_bases__",
            "__abstractmethods__",
            "__slotnames__",
            "_abc_impl",
            "__dataclass_fields__",
        ),
    }
)
_CODE: Path = ("__code__",)
_BASES: Path = ("__bases__",)
_SLOTS = (
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
    types.WrapperDescriptorType,
)


def draw(value: Any, digest: Digest) -> dict[Path, str]:
    """`digest` gives a text that is equal for equal content."""
    found = {path: digest(part) for path, part in _parts(value, ())}
    if isinstance(value, type):
        found[_BASES] = digest(
            tuple(f"{base.__module__}.{base.__qualname__}" for base in value.__bases__)
        )
    return found


def _parts(value: Any, prefix: Path) -> Iterator[tuple[Path, Any]]:
    """Each part of a class or function with its path: of a class its attributes, with
    methods and inner classes taken apart in turn, such as `("add", "__defaults__")`."""
    function = _function_in(value)
    if function is not None:
        yield from _function_parts(function, prefix)
    # Members of an enumeration cannot be set anew, and what else is in one is `enum`'s
    # own.
    elif isinstance(value, type) and not issubclass(value, enum.Enum):
        for name, part in list(vars(value).items()):
            # `__slots__ = ("a",)` makes a descriptor `a`, which belongs to the source.
            if name not in _TECHNICAL and not isinstance(part, _SLOTS):
                inner = _function_in(part) or (part if _is_inner(part, value) else None)
                if inner is None:
                    yield (*prefix, name), part
                else:
                    yield from _parts(inner, (*prefix, name))


def _function_parts(
    function: types.FunctionType, prefix: Path
) -> Iterator[tuple[Path, Any]]:
    """The code, the defaults, the attributes and the closure's variables of a function;
    all but the code can change after its definition."""
    yield (*prefix, "__code__"), function.__code__
    for name in ("__defaults__", "__kwdefaults__"):
        if getattr(function, name):
            yield (*prefix, name), getattr(function, name)
    for name, part in function.__dict__.items():
        # The function that a decorator wraps is in the closure of its wrapper, too.
        if name != "__wrapped__":
            yield (*prefix, name), part
    for number, cell in enumerate(function.__closure__ or ()):
        name = function.__code__.co_freevars[number]
        # The cell that `super()` needs holds the class that is being drawn.
        if name != "__class__":
            yield (*prefix, "__closure__", number), _content(cell)


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return REMOVED


def _function_in(value: Any) -> types.FunctionType | None:
    """The function itself, also where a class keeps it in a wrapper."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    elif isinstance(value, property):
        value = value.fget
    elif isinstance(value, functools.cached_property):
        value = value.func
    return value if isinstance(value, types.FunctionType) else None


def _is_inner(part: Any, owner: type) -> bool:
    return isinstance(part, type) and part.__qualname__.startswith(
        owner.__qualname__ + "."
    )


def differences(
    value: Any, before: dict[Path, str], after: dict[Path, str]
) -> dict[Path, Any]:
    """The parts of `value` that changed between two portraits; REMOVED for those that
    are gone. A method whose code changed is replaced as a whole."""
    paths = [
        path
        for path in sorted(before.keys() | after.keys(), key=repr)
        if before.get(path) != after.get(path)
    ]
    # `Model.predict = faster` changes code and defaults; to set both apart would mix
    # two functions.
    replaced = {path[:-1] for path in paths if path[-1:] == ("__code__",)}
    kept = [
        path
        for path in paths
        if not any(path[: len(whole)] == whole for whole in replaced)
    ]
    return {path: _read(value, path) for path in (*replaced, *kept)}


def _read(value: Any, path: Path) -> Any:
    # `("add", "__closure__", 0)`: the last part is a number, not a name.
    if "__closure__" in path:
        return _content(_walk(value, path[:-2]).__closure__[path[-1]])
    target = _walk(value, path[:-1])
    if path[-1] in ("__defaults__", "__kwdefaults__"):
        return getattr(target, path[-1])
    # `getattr` would find what a base class has, and bind descriptors.
    return vars(target).get(path[-1], REMOVED)


def apply_changes(value: Any, changed: dict[Path, Any]) -> None:
    """Sets the parts of a definition as another stage left them."""
    for path, part in changed.items():
        target = _walk(value, path[:-1] if "__closure__" not in path else path[:-2])
        if "__closure__" in path:
            target.__closure__[path[-1]].cell_contents = part
        elif isinstance(part, str) and part == REMOVED:
            delattr(target, path[-1])
        else:
            setattr(target, path[-1], part)


def cached_results(value: Any) -> int:
    """How many results a function keeps in an `lru_cache`, where nothing can reach
    them."""
    return (
        value.cache_info().currsize
        if isinstance(value, functools._lru_cache_wrapper)
        else 0
    )


def is_redefined(before: dict[Path, str], after: dict[Path, str]) -> bool:
    """Whether two portraits of one name are of different functions, or of classes with
    other bases: what else differs between two classes can be set."""
    return any(before.get(path) != after.get(path) for path in (_CODE, _BASES))


def _walk(value: Any, path: Path) -> Any:
    value = _function_in(value) or value
    for name in path:
        inner = vars(value)[name]
        value = _function_in(inner) or inner
    return value
