"""How what a stage observed is said: what changed, what it was in touch with, how long
ago. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from jupyter_pipe.artifacts.protocol import (
    ObservedContact,
    ObservedPath,
    ObservedVariable,
)
from jupyter_pipe.observe.digests import MISSING

__all__ = [
    "age_text",
    "change_of_listing",
    "change_of_path",
    "change_of_variable",
    "contact_phrases",
    "duration_text",
    "may_be_shown",
]

_LONGEST_SHOWN = 40
# By name, as values of secrets look like anything.
_SECRET = re.compile(
    r"KEY|TOKEN|SECRET|PASS|PWD|CREDENTIAL|AUTH|COOKIE|PRIVATE|DSN|_URL$|_URI$",
    re.IGNORECASE,
)
# Two names and a number: the phrase stands in a line of a table.
_FIRST = 2


def change_of_path(path: str, before: str, now: str) -> str:
    """`a.csv changed`, `a.csv is new`, `a.csv is missing`; the digests say which."""
    if now == MISSING:
        return f"{path} is missing"
    return f"{path} is new" if before == MISSING else f"{path} changed"


def change_of_listing(one: ObservedPath, names: Sequence[str] | None) -> str:
    """`inputs/: b.csv is new`, for a folder that was listed and holds other names
    now."""
    if names is None:
        return f"{one.path}/ is missing"
    if one.digest == MISSING:
        return f"{one.path}/ is new"
    new = [name for name in names if name not in set(one.names)]
    gone = [name for name in one.names if name not in set(names)]
    told = [*_told(new, "new"), *_told(gone, "gone")]
    where = "" if one.path == "." else f"{one.path}/: "
    return where + (", ".join(told) or "other files than before")


def _told(names: Sequence[str], word: str) -> Iterable[str]:
    if not names:
        return
    yield f"{_some(names)} {'is' if len(names) == 1 else 'are'} {word}"


def change_of_variable(
    one: ObservedVariable, now: str | None, secrets: Collection[str]
) -> str:
    """`MODE: unset -> on`; values that must not be shown, or are too long, are not."""
    if one.name == "*":
        return "the environment variables changed"
    before = "unset" if not one.digest else one.shown
    after = (
        "unset" if now is None else now if may_be_shown(one.name, now, secrets) else ""
    )
    if before and after:
        return f"{one.name}: {before} -> {after}"
    if not one.digest:
        return f"{one.name} is set now"
    return f"{one.name} is unset now" if now is None else f"{one.name} changed"


def may_be_shown(name: str, value: str, secrets: Collection[str]) -> bool:
    """Whether a variable's value may stand in a message: short, and neither a secret
    nor named like one."""
    if name in secrets or _SECRET.search(name):
        return False
    return 0 < len(value) <= _LONGEST_SHOWN and value.isprintable()


def contact_phrases(contacts: Iterable[ObservedContact]) -> tuple[str, ...]:
    """What a stage was in touch with and nobody can compare, in at most two phrases:
    `in touch with example.org:443`, `ran psql -f load.sql`."""
    others: dict[str, None] = {}
    programs: dict[str, None] = {}
    # Programs apart: "ran make", but "in touch with example.org".
    for one in contacts:
        (programs if one.kind == "program" else others)[one.name] = None
    phrases = (("in touch with", [*others]), ("ran", [*programs]))
    return tuple(f"{word} {_some(names)}" for word, names in phrases if names)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FIRST} more" if len(names) > _FIRST else ""
    return f"{', '.join(names[:_FIRST])}{more}"


def duration_text(seconds: float) -> str:
    """`1d`, `6h`, `90s`: as the tag `cache:` takes it."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        # 90 seconds are not a whole number of minutes: `90s`, not `1.5m`.
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


def age_text(seconds: float) -> str:
    """`3 days ago`: how long ago something was, in its largest unit."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "just now"
