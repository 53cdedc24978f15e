"""Finds where in a text the code of each cell begins. Pure.

jupytext does not say it. Cells stand in the text in their order and line by line, so
each is looked for below the one before; where it is not found there is no place rather
than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["find_places"]

_COMMENT = re.compile(r"\s*#\s?")


def find_places(
    lines: Sequence[str], cells: Sequence[Mapping[str, Any]]
) -> list[int | None]:
    """For each cell of nbformat's the index of its first line; None where the text does
    not show it."""
    places: list[int | None] = []
    below = 0
    for cell in cells:
        wanted = str(cell["source"]).split("\n")
        place = _find(lines, wanted, below) if any(wanted) else None
        if place is None and wanted[0].startswith("%%") and len(wanted) > 1:
            # A fence with another language: "%%bash" stands there as "```bash".
            body = _find(lines, wanted[1:], below)
            place = None if body is None else body - 1
        places.append(place)
        below = below if place is None else place + len(wanted)
    return places


def _find(lines: Sequence[str], wanted: Sequence[str], below: int) -> int | None:
    """Magics stand in a script as comments, and so does markdown: these are found after
    what is equal."""
    for same in (_is_equal, _is_commented):
        for place in range(below, len(lines) - len(wanted) + 1):
            if same(lines[place], wanted[0]) and _stands_at(lines, place, wanted):
                return place
    return None


def _stands_at(lines: Sequence[str], place: int, wanted: Sequence[str]) -> bool:
    return all(
        _is_commented(lines[place + offset], line) for offset, line in enumerate(wanted)
    )


def _is_equal(line: str, wanted: str) -> bool:
    return line.rstrip() == wanted.rstrip()


def _is_commented(line: str, wanted: str) -> bool:
    return _is_equal(line, wanted) or _is_equal(
        _COMMENT.sub("", line, count=1), wanted.lstrip()
    )
