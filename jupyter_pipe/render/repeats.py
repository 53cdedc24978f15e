"""What is said again and again, said once: the frames of a recursion. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["without_repeats"]

T = TypeVar("T")
# Functions that call one another in a circle of more are met more often than once in a
# long while.
_LONGEST_CIRCLE = 8
_LEAST = 3


def without_repeats(items: Sequence[T]) -> list[tuple[T, int]]:
    """Each item with the number of those that were left out after it: `a b b b b c` is
    `a`, `b` with 3 left out, `c`. Several that repeat as a group are kept as one
    group."""
    kept: list[tuple[T, int]] = []
    place = 0
    while place < len(items):
        length, times = _circle_at(items, place)
        kept += [(item, 0) for item in items[place : place + length]]
        kept[-1] = kept[-1][0], length * (times - 1)
        place += length * times
    return kept


def _circle_at(items: Sequence[T], place: int) -> tuple[int, int]:
    """The length of the group that begins here and is repeated most, and how often it
    stands here."""
    for length in range(1, _LONGEST_CIRCLE + 1):
        times = 1
        while (
            items[place : place + length]
            == items[place + times * length : place + (times + 1) * length]
        ):
            times += 1
        if times >= _LEAST:
            return length, times
    return 1, 1
