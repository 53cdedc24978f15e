"""What indexing and operators make of values of a library, by the types' full names.

Calls have their results in the tables of `data`; these have no name that a table could
list. The interpreter knows Python's rules and asks here for the rest.
"""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["type_of_operation", "type_of_selection"]

# What several keys give, where one key gives a value of the type on the left:
# `df["a"]` is a column, `df[["a"]]` and `df[df.a > 1]` are frames.
_OF_SEVERAL_KEYS = {"pandas.Series": "pandas.DataFrame"}
# The first that takes part is the result: `array + series` is a series.
_BY_STRENGTH = ("pandas.DataFrame", "pandas.Series", "numpy.ndarray")


def type_of_selection(item_type: str) -> str:
    """The type of `value[keys]`, where `value[key]` has the type `item_type`."""
    return _OF_SEVERAL_KEYS.get(item_type, item_type)


def type_of_operation(types: Collection[str]) -> str:
    """The type of an operation between values of these types, or "" where nothing is
    known."""
    strongest = next((type_ for type_ in _BY_STRENGTH if type_ in types), "")
    if strongest or len(types) != 1:
        return strongest
    return next(iter(types))
