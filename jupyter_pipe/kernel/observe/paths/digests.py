"""Digests of what a stage read, in the form that `ObservedPath` and `ObservedVariable`
describe."""

from __future__ import annotations

import fnmatch
import hashlib
import hmac
import os
import re
from collections.abc import Iterable

from .rules import UNLISTED

__all__ = [
    "MISSING",
    "digest_file",
    "digest_names",
    "digest_value",
    "entries",
    "shown_value",
]

MISSING = "missing"
_CHUNK = 1 << 20
_SHOWN_LENGTH = 40
_SECRET = re.compile(
    r"secret|token|passw|pwd|key|credential|auth|dsn|cookie|private|session",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"://[^/\s]*@")


def digest_file(path: str) -> str:
    """The sha256 of the content. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def entries(folder: str, pattern: str = "") -> list[str]:
    """The names in a folder that count, sorted; those of folders end with a slash.
    Raises OSError."""
    with os.scandir(folder) as found:
        names = {one.name: one.is_dir() for one in found if one.name not in UNLISTED}
    return sorted(
        f"{name}/" if is_folder else name
        for name, is_folder in names.items()
        if not pattern or fnmatch.fnmatchcase(name, pattern)
    )


def digest_names(names: Iterable[str]) -> str:
    """Of the listing of a folder."""
    return hashlib.sha256(
        "\n".join(names).encode("utf-8", "surrogateescape")
    ).hexdigest()


def digest_value(value: str, salt: str) -> str:
    """Of an environment variable: keyed, so that nobody can guess a short one from
    it."""
    return hmac.new(
        salt.encode(), value.encode("utf-8", "surrogateescape"), "sha256"
    ).hexdigest()


def shown_value(name: str, value: str) -> str:
    """The value where people may see it, else nothing."""
    if _SECRET.search(name) or _CREDENTIALS.search(value) or len(value) > _SHOWN_LENGTH:
        return ""
    return value
