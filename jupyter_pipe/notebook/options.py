"""Parses the values of option tags: `timeout:30m`, `memory:4GiB`, `cpus:2`.

Pure: text in, value out. Raises ValueError with a sentence that says what the value should look like.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

__all__ = ["OPTION_PARSERS", "StageOption", "parse_duration", "parse_memory"]

_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(sec|min|s|m|h|d)", re.IGNORECASE)
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MULTIPLE = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


class StageOption(Struct, frozen=True):
    """One option as tagged: `key` is the field of `StageOptions`, `tag` the tag's text."""

    key: str
    value: Any
    tag: str


def parse_duration(text: str) -> float:
    """Seconds of `90`, `45s`, `30m`, `2h`, `1d` or a sum such as `1h30m`."""
    seconds = 0.0
    if re.fullmatch(r"\d+(\.\d+)?", text):
        seconds = float(text)
    elif re.fullmatch(rf"(?:{_DURATION.pattern}\s*)+", text, re.IGNORECASE):
        parts = _DURATION.findall(text)
        seconds = sum(float(amount) * _SECONDS[unit.lower()] for amount, unit in parts)
    if seconds <= 0:
        raise ValueError("a time such as 45s, 30m, 2h or 1h30m")
    return seconds


def parse_memory(text: str) -> int:
    """Bytes of `4GiB`, `512MB`, `4Gi` or plain bytes; an `i` makes the unit binary."""
    found = _MEMORY.fullmatch(text)
    size = 0
    if found:
        amount, unit, binary = found.groups()
        size = int(float(amount) * (1024 if binary else 1000) ** _MULTIPLE[unit.upper()])
    if size <= 0:
        raise ValueError("a size such as 4GiB or 512MB")
    return size


def _parse_count(text: str) -> int:
    if not re.fullmatch(r"\d+", text):
        raise ValueError("a whole number such as 0, 1 or 2")
    return int(text)


def _parse_cpus(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text) or float(text) <= 0:
        raise ValueError("a number above zero such as 2 or 0.5")
    return float(text)


def _parse_switch(text: str) -> bool:
    switches = {"on": True, "enabled": True, "off": False, "disabled": False}
    if text.lower() not in switches:
        raise ValueError("'on' or 'off'")
    return switches[text.lower()]


def _parse_image(text: str) -> str:
    if not text or re.search(r"\s", text):
        raise ValueError("the reference of a container image, such as python:3.12-slim")
    return text


def _parse_secrets(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(_ENVIRONMENT_NAME.fullmatch(name) for name in names):
        raise ValueError("the name of an environment variable, such as API_TOKEN")
    return names


def _parse_limit(text: str) -> tuple[str, str]:
    key, _, value = (part.strip() for part in text.partition(":"))
    if not key or not value:
        raise ValueError("a resource and its amount, such as nvidia.com/gpu:1")
    return key, value


# Tag prefix -> (field of StageOptions, parser).
OPTION_PARSERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "retries": ("retries", _parse_count),
    "timeout": ("timeout_seconds", parse_duration),
    "cell-timeout": ("cell_timeout_seconds", parse_duration),
    "cache": ("cache", _parse_switch),
    "cpus": ("cpus", _parse_cpus),
    "memory": ("memory_bytes", parse_memory),
    "gpus": ("gpus", _parse_count),
    "image": ("image", _parse_image),
    "secret": ("secrets", _parse_secrets),
    "limit": ("limits", _parse_limit),
}
