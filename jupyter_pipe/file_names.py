"""Names of files in the data flow: `file:out/a.csv`, and patterns such as
`file:out/*.csv`.

In a pattern `*` stands for any text that is not known before the stage runs, slashes
included. Pure functions of text.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["FILE", "WHOLE_FOLDER", "is_file", "is_pattern", "may_be_same"]

FILE = "file:"
WHOLE_FOLDER = "file:*"
"""Anything below the notebook's folder."""


def is_file(name: str) -> bool:
    """Whether a name of the data flow is that of a file."""
    return name.startswith(FILE)


def is_pattern(name: str) -> bool:
    """Whether the name stands for files that are not known one by one."""
    return name.startswith(FILE) and "*" in name


@lru_cache(maxsize=8192)
def may_be_same(one: str, other: str) -> bool:
    """Whether one file may have both names.

    A pattern that begins with `*` stands for files below the notebook's folder:
    `file:*.csv` is not `file:/data/a.csv`, nor `file:../a.csv`.
    """
    one, other = one.removeprefix(FILE), other.removeprefix(FILE)
    # Nearly all names: no pattern has to be matched.
    if "*" not in one + other:
        return one == other
    for pattern, name in ((one, other), (other, one)):
        # An unknown beginning is that of a relative path: `df.to_csv(f"{day}.csv")`.
        if pattern.startswith("*") and name.startswith(("/", "..")):
            return False
    return _intersect(one, other)


def _intersect(one: str, other: str) -> bool:
    """Whether some text matches both patterns. `row[n]`: whether what was read of `one`
    and the first n characters of `other` have such a text."""
    row = [
        all(letter == "*" for letter in other[:count])
        for count in range(len(other) + 1)
    ]
    for letter in one:
        before, row = row, [letter == "*" and row[0]]
        for count, against in enumerate(other, 1):
            if letter == "*" or against == "*":
                row.append(before[count] or row[count - 1])
            else:
                row.append(letter == against and before[count - 1])
    return row[-1]
