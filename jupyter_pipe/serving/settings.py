"""What a service is told when it starts. Pure; travels to workers as JSON."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from jupyter_pipe.errors import PipeError

__all__ = [
    "FOLDER_VARIABLE",
    "LogSettings",
    "Mode",
    "Settings",
    "Tls",
    "parse_duration",
    "parse_share",
]

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder that the workers of a service share; prometheus_client reads it when
it is imported."""
Mode = Literal["", "shadow", "canary", "ab"]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class LogSettings(Struct, frozen=True):
    """The request log: its folder; columns that are left out or replaced by a hash; how
    many seconds it is kept; the bytes after which, and the seconds after which, another
    file is begun."""

    folder: str
    drop: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()
    keep_seconds: float = 90 * 86_400.0
    file_bytes: int = 64 << 20
    file_seconds: float = 86_400.0


class Tls(Struct, frozen=True):
    """PEM files. With `ca`, only clients are let in whose certificate this authority
    has signed."""

    certificate: str
    key: str
    ca: str = ""


class Settings(Struct, frozen=True):
    """`target` and `challenger` are what sources are opened for: `NAME@ALIAS` or the
    folder of a bundle. `share` is the part of the keys that a canary or an A/B test
    sends to the challenger. Sources are asked every `poll_seconds`. At most
    `most_waiting` requests of one worker wait to be scored."""

    target: str
    challenger: str = ""
    mode: Mode = ""
    share: float = 0.0
    root: str = "."
    trust: bool = False
    token: str = ""
    log: LogSettings | None = None
    tls: Tls | None = None
    poll_seconds: float = 1.0
    most_rows: int = 10_000
    most_bytes: int = 16 << 20
    most_waiting: int = 1_000
    grace_seconds: float = 30.0


def parse_share(text: str) -> float:
    """`10%` or `0.1` as 0.1. Raises ValueError for anything that is not a share between
    0 and 1."""
    number = float(text.strip().removesuffix("%")) / (
        100 if text.strip().endswith("%") else 1
    )
    if not 0 < number <= 1:
        raise ValueError(text)
    return number


def parse_duration(text: str) -> float:
    """`7d`, `12h`, `30m` in seconds. Raises PipeError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip())
    if found is None:
        raise PipeError(
            f"'{text}' is not a length of time.",
            code="bad_request",
            hint="Write a number and a unit: 45m, 12h, 7d or 2w.",
        )
    return float(found[1]) * _UNITS[found[2]]
