"""The records of the request log, and what is left out of them. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

__all__ = ["Answered", "Problem", "Shadowed", "hashed", "masked"]


class Problem(Struct, frozen=True, omit_defaults=True):
    """Why rows were refused."""

    code: str
    message: str
    row: int = 0
    column: str = ""
    rule: str = ""


class Answered(Struct, frozen=True):
    """One answer: when (UTC seconds since 1970), with which status, by which version in
    which role, after how many seconds; the rows and their predictions, or the
    problem."""

    id: str
    at: float
    status: int
    version: str
    digest: str
    role: str
    seconds: float
    rows: tuple[dict[str, Any], ...] = ()
    predictions: tuple[Any, ...] = ()
    problem: Problem | None = None


class Shadowed(Struct, frozen=True):
    """What a shadow would have answered to the request `id`."""

    id: str
    at: float
    version: str
    digest: str
    predictions: tuple[Any, ...]


def masked(
    rows: Iterable[Mapping[str, Any]],
    drop: Sequence[str],
    hide: Sequence[str],
    secret: bytes,
) -> list[dict[str, Any]]:
    """The rows without the columns `drop`, and with the values of the columns `hide`
    hashed."""
    return [
        {
            name: hashed(value, secret) if name in hide and value is not None else value
            for name, value in row.items()
            if name not in drop
        }
        for row in rows
    ]


def hashed(value: Any, secret: bytes) -> str:
    """A keyed hash: equal values stay equal, and who lacks the key cannot find them out
    by trying."""
    data = msgspec.json.encode(value, order="sorted")
    return hmac.new(secret, b"request log\0" + data, hashlib.sha256).hexdigest()[:32]
