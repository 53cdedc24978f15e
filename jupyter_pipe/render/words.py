"""How amounts are written for people: `54 s`, `2 min 5 s`, `21,480`, `1 stage`, `4.2
MB`.

One place, so that the terminal, the report and notebooks agree. Pure.
"""

from __future__ import annotations

import datetime
from typing import Any

__all__ = ["amount", "bytes_text", "count", "day_time", "seconds_text", "value_text"]


def count(number: int, noun: str) -> str:
    """`1 stage`, `2 stages`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def seconds_text(seconds: float) -> str:
    """A duration in at most two units."""
    # 9.95 would be rounded to `10.0 s`.
    if seconds < 9.95:
        digits = 2 if seconds < 0.095 else 1
        return f"{seconds:.{digits}f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def amount(value: float) -> str:
    """A number with thousands apart and no more digits than people read."""
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    if 10_000 <= size < 1e15:
        return f"{value:,.0f}"
    if value == 0 or 1e-4 <= size < 10_000:
        digits = 3 if size >= 0.1 else 5
        # 0.250 is read as 0.25, and 4.000 as 4.
        return f"{value:,.{digits}f}".rstrip("0").rstrip(".")
    return f"{value:.4g}"


def value_text(value: Any) -> str:
    """A metric's or parameter's value."""
    # True and False are integers for Python, and words for people.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return amount(value)


def bytes_text(size: int) -> str:
    """A size in the unit that leaves one to three digits before the point."""
    if size < 1000:
        return f"{size} B"
    power = min(3, (len(str(size)) - 1) // 3)
    value = size / 1000**power
    unit = ("kB", "MB", "GB")[power - 1]
    # As above: 9.96 MB is `10 MB`.
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:,.0f} {unit}"


def day_time(seconds: float) -> str:
    """A moment in local time: `20 November 2026, 14:41`."""
    moment = datetime.datetime.fromtimestamp(seconds).astimezone()
    return f"{moment.day} {moment:%B %Y, %H:%M}"
