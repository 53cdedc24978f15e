"""How many entries a value has, and what kind of thing it is, without importing the
libraries that made it."""

from __future__ import annotations

import types
from typing import Any

__all__ = [
    "entries",
    "is_estimator",
    "is_frame",
    "is_handle",
    "is_instance",
    "library_of",
    "type_names",
]

_ITERATORS: tuple[type, ...] = (
    zip,
    enumerate,
    map,
    filter,
    types.GeneratorType,
    type(iter([])),
    type(iter(())),
    range,
)


def type_names(value: Any) -> list[tuple[str, str]]:
    """(library, name) of the type and its bases, nearest first."""
    return [
        (base.__module__.partition(".")[0], base.__name__)
        # By name, so that no library is imported only to be compared with.
        for base in type(value).__mro__
    ]


def library_of(value: Any) -> str:
    """The top-level package of the value's type."""
    return type(value).__module__.partition(".")[0]


def is_instance(value: Any, library: str, *names: str) -> bool:
    """Whether the value is an instance of one of these types of a library."""
    return any((library, name) in type_names(value) for name in names)


def is_frame(value: Any) -> bool:
    """A pandas DataFrame."""
    return is_instance(value, "pandas", "DataFrame")


def is_estimator(value: Any) -> bool:
    """Anything with scikit-learn's interface."""
    return (
        hasattr(value, "get_params")
        and hasattr(value, "fit")
        and not isinstance(value, type)
    )


def entries(value: Any) -> int | None:
    """The number of entries along the rows: of frames, series, indexes, arrays, sparse
    matrices and lists. None for everything else."""
    if isinstance(value, (list, tuple)):
        return len(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
        return shape[0]
    if is_instance(value, "pandas", "ExtensionArray"):
        return len(value)
    return None


def is_handle(value: Any) -> bool:
    """An object of pandas or polars that stands for rows without being any: an
    accessor, groups, a window; or an iterator."""
    if isinstance(value, _ITERATORS):
        # A range can be read as often as one likes.
        return not isinstance(value, range)
    if library_of(value) not in {"pandas", "polars"} or isinstance(value, type):
        return False
    scalars = (
        "Timestamp",
        "Timedelta",
        "Period",
        "Interval",
        "NaTType",
        "NAType",
        "Expr",
        "ExtensionDtype",
    )
    plain = any(name in scalars for _, name in type_names(value))
    return not plain and entries(value) is None
