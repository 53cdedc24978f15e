"""What a call does with rows, from the tables in `analysis.knowledge`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jupyter_pipe.analysis.knowledge.row_classes import load_row_classes
from jupyter_pipe.scoring.tracing.shapes import is_estimator, type_names

__all__ = ["across_columns", "judge_function", "judge_method", "look_around"]

Arguments = tuple[Any, ...]


def judge_method(
    value: Any, name: str, args: Arguments, kwargs: Mapping[str, Any]
) -> str | None:
    """The class of the method or attribute `name` of a value; None if nothing is
    known."""
    for library, type_ in type_names(value):
        found = load_row_classes(library).find(type_, name, args, kwargs)
        if found:
            return _turned(found, name, args, kwargs)
    if is_estimator(value):
        return load_row_classes("sklearn").find("BaseEstimator", name, args, kwargs)
    return None


def judge_function(
    function: Callable[..., Any], args: Arguments, kwargs: Mapping[str, Any]
) -> str | None:
    """The class of a library's function; None if nothing is known."""
    for library, name in _names(function):
        found = load_row_classes(library).find("functions", name, args, kwargs)
        if found:
            return _turned(found, name, args[1:], kwargs)
    return None


def across_columns(args: Arguments, kwargs: Mapping[str, Any]) -> bool:
    """Whether a call works along each row (`axis=1`) and not down the columns."""
    axis = kwargs.get("axis", args[0] if args and type(args[0]) in (int, str) else None)
    return axis in (1, -1, "columns") and not isinstance(axis, bool)


def _turned(class_: str, name: str, args: Arguments, kwargs: Mapping[str, Any]) -> str:
    """`frame.mean(axis=1)` has an entry a row, and none depends on another row."""
    if any(look_around(value) for value in (*args, *kwargs.values())):
        return "mixes"
    if name == "fillna" and kwargs.get("method") is not None:
        return "mixes"
    # The first argument of `mean` is an axis, that of `shift` is a number of rows.
    if class_ == "aggregates" and across_columns(args, kwargs):
        return "row-wise"
    if class_ == "mixes" and across_columns((), kwargs):
        return "row-wise"
    return class_


def look_around(value: Any) -> str:
    """The word by which an expression of polars computes something of other rows, such
    as `median(` of `col("x").median()`; empty if there is none."""
    if isinstance(value, (list, tuple)):
        return next((word for word in map(look_around, value) if word), "")
    if type(value).__name__ != "Expr" or not type(value).__module__.startswith(
        "polars"
    ):
        return ""
    # A window of polars: within a group, each row depends on the others.
    if ".over(" in str(value):
        return "over("
    table = load_row_classes("polars")
    words = re.findall(r"\.(\w+)\(", str(value))
    mixing = (
        word
        for word in words
        if table.find("Series", word, (), {}) in ("aggregates", "mixes")
    )
    return next((f"{word}(" for word in mixing), "")


def _names(function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    """The names by which a table may know the function: `stats.zscore`, `zscore`."""
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or (
        type(owner).__module__ if owner is not None else ""
    )
    name = getattr(function, "__name__", "")
    library, *inner = (module or type(function).__module__).split(".")
    # `scipy.stats._stats_py` is documented as `scipy.stats`.
    public = [part for part in inner if not part.startswith("_")]
    if public:
        yield library, ".".join([*public, name])
    yield library, name
