"""Contracts told to people: numbers, breaches, whole judgements. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from msgspec.structs import replace

from jupyter_pipe.contracts.model import Breach, Judgement

__all__ = ["breach_text", "judgement_lines", "moment_text", "number_text", "share_text"]

_MOST_BATCHES = 4


def number_text(value: float) -> str:
    """`1,234.5`: four digits that count."""
    if value == int(value) and abs(value) < 1e12:
        return f"{int(value):,}"
    # `1.2e-05` and `3.4e+07`, but `1,234.5`.
    return f"{value:,.4g}" if 1e-4 < abs(value) < 1e6 else f"{value:.4g}"


def moment_text(seconds: float) -> str:
    """The day of a time in seconds since 1970, with the hour if it has one."""
    try:
        # A time far out of range is shown as the number that it is.
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return number_text(seconds)
    return moment.strftime("%Y-%m-%d" if seconds % 86400 == 0 else "%Y-%m-%d %H:%M")


def share_text(share: float) -> str:
    """`0.6 %`, `100 %`."""
    percent = 100 * share
    return (
        f"{percent:.0f} %"
        if percent >= 10 or percent == int(percent)
        else f"{percent:.2g} %"
    )


def breach_text(value: str, breach: Breach, by: str = "") -> str:
    """One sentence or two: value, batch, column, what was expected, what was found, and
    the guess."""
    where = f", {by} {breach.batch}" if breach.batch else ""
    what = (
        f", {'key' if breach.rule == 'key' else 'column'} '{breach.column}'"
        if breach.column
        else ""
    )
    guess = f". Perhaps {breach.guess.text}" if breach.guess else ""
    end = "" if guess.endswith("?") else "."
    return f"{value}{where}{what}: expected {breach.expected}; found {breach.found}{guess}{end}"


def judgement_lines(judgement: Judgement, by: str = "") -> list[str]:
    """A line for each thing that is wrong; what is wrong alike in several batches is
    told once."""
    if judgement.missing:
        return [f"{judgement.value} could not be judged: {judgement.missing}."]
    groups: dict[tuple[str, str, str], list[Breach]] = {}
    # By rule, column and guess: what one cause did to ten batches is one line.
    for breach in judgement.breaches:
        kind = breach.guess.kind if breach.guess else ""
        groups.setdefault((breach.rule, breach.column, kind), []).append(breach)
    return [_group_text(judgement.value, group, by) for group in groups.values()]


def _group_text(value: str, group: list[Breach], by: str) -> str:
    names = [breach.batch for breach in group]
    first = replace(group[0], batch=_listed(names))
    return breach_text(value, first, by)


def _listed(names: Iterable[str]) -> str:
    """`9, 10 and 11`, or `9, 10, 11 and 5 more`."""
    texts = list(names)
    if len(texts) > _MOST_BATCHES:
        texts = [*texts[: _MOST_BATCHES - 1], f"{len(texts) - _MOST_BATCHES + 1} more"]
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
