"""Which classes have instances that never change: sharing one of them ties nothing
together."""

from __future__ import annotations

import enum
import sys
import types

from .memory.frames import is_index

__all__ = ["full_name", "is_immutable", "package_of"]

_BUILT_IN = (
    *(
        str,
        bytes,
        int,
        float,
        complex,
        tuple,
        frozenset,
        range,
        slice,
        type,
        type(None),
        enum.Enum,
    ),
    *(types.BuiltinFunctionType, types.ModuleType, types.CodeType, types.GenericAlias),
)
# By name, so that no module is imported for the sake of values that are not there.
_NAMED = frozenset(
    {
        *(("datetime", name) for name in ("date", "time", "timedelta", "tzinfo")),
        *(
            ("decimal", "Decimal"),
            ("fractions", "Fraction"),
            ("uuid", "UUID"),
            ("re", "Pattern"),
        ),
        *(("pathlib", "PurePath"), ("logging", "Logger"), ("logging", "Manager")),
        *(("ipaddress", "_BaseAddress"), ("ipaddress", "_BaseNetwork")),
        *(("numpy", "generic"), ("numpy", "dtype")),
        *(
            ("pandas", name)
            for name in ("ExtensionDtype", "BaseOffset", "_Period", "Interval")
        ),
        *(("pandas", name) for name in ("NaTType", "NAType")),
    }
)


def package_of(kind: type) -> str:
    """The top-level package that a class says it comes from; some say nothing."""
    module = kind.__module__
    return module.split(".", 1)[0] if isinstance(module, str) else ""


def full_name(kind: type) -> str:
    """The class's name with its module."""
    return f"{kind.__module__}.{kind.__qualname__}"


def is_immutable(kind: type) -> bool:
    """Whether no instance of the class ever changes."""
    if issubclass(kind, _BUILT_IN) or ("pandas" in sys.modules and is_index(kind)):
        return True
    return any((package_of(base), base.__name__) in _NAMED for base in kind.__mro__)
