"""Parses the values of option tags: `timeout:30m`, `memory:4GiB`, `cpus:2`.

Pure: text in, value out. What a value looks like stands in `grammar`; here is what it
means.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain
from typing import Any

from msgspec import Struct

from jupyter_pipe.notebook.grammar import OPTION_TAGS, PROMOTION_METRICS

__all__ = [
    "COLLECTED",
    "OPTION_FIELDS",
    "StageOption",
    "parse_duration",
    "parse_memory",
    "parse_option",
]

_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*(sec|min|s|m|h|d)", re.IGNORECASE)
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_MULTIPLE = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_PATTERNS = {option.name: option.pattern for option in OPTION_TAGS}
_WANTED = {option.name: option.wanted for option in OPTION_TAGS}


class StageOption(Struct, frozen=True):
    """One option as tagged: `key` is the field of `StageOptions`, `tag` the tag's
    text."""

    key: str
    value: Any
    tag: str


def parse_option(name: str, text: str) -> Any:
    """The value that the field of an option gets. Raises ValueError with what it should
    look like."""
    if not re.fullmatch(_PATTERNS[name], text, re.IGNORECASE | re.ASCII):
        raise ValueError(_WANTED[name])
    return OPTION_FIELDS[name][1](text)


def parse_duration(text: str) -> float:
    """Seconds of `90`, `45s`, `30m`, `2h`, `1d` or a sum such as `1h30m`. Raises
    ValueError."""
    return float(parse_option("timeout", text))


def parse_memory(text: str) -> int:
    """Bytes of `4GiB`, `512MB`, `4Gi` or plain bytes; an `i` makes the unit binary.
    Raises ValueError."""
    return int(parse_option("memory", text))


def _read_duration(text: str) -> float:
    amounts = _AMOUNT.findall(text)
    if not amounts:
        return float(text)
    return sum(float(amount) * _SECONDS[unit.lower()] for amount, unit in amounts)


def _read_memory(text: str) -> int:
    found = _MEMORY.fullmatch(text)
    if found:
        amount, unit, binary = found.groups()
        thousand = 1024 if binary else 1000
        size = int(float(amount) * thousand ** _MULTIPLE[unit.upper()])
        # Less than a byte, such as 0.0001B, is refused.
        if size > 0:
            return size
    raise ValueError(_WANTED["memory"])


def _read_cache(text: str) -> float | None:
    """How old a reused result may be: None without a limit, 0 for none at all."""
    switches = {"on": None, "enabled": None, "off": 0.0, "disabled": 0.0}
    return switches[text.lower()] if text.lower() in switches else _read_duration(text)


def _read_names(text: str) -> tuple[str, ...]:
    return tuple(map(str.strip, text.split(",")))


def _read_contracts(text: str) -> tuple[str, ...]:
    """`sales` or `sales=schema` for each. Names may have any letters that Python
    allows."""
    pairs = [[*map(str.strip, each.split("="))] for each in text.split(",")]
    if not all(map(str.isidentifier, chain.from_iterable(pairs))):
        raise ValueError(_WANTED["contract"])
    return tuple(map("=".join, pairs))


def _read_variables(text: str) -> tuple[str, ...]:
    found = _read_names(text)
    if not all(map(str.isidentifier, found)):
        raise ValueError(_WANTED["labels"])
    return found


def _read_question(text: str) -> str:
    """Quotes around the whole are not part of it."""
    is_quoted = len(text) > 2 and text[0] == text[-1] == '"'
    return text[1:-1].strip() if is_quoted else text


def _read_promotion_metric(text: str) -> str:
    """The metric that a name ends with: `mae` of `best_mae`."""
    return max(
        (each for each in PROMOTION_METRICS if text.lower().endswith(each)), key=len
    )


def _read_limit(text: str) -> tuple[str, str]:
    key, _, value = text.partition(":")
    return key.strip(), value.strip()


COLLECTED = ("secrets", "reads", "writes", "contracts", "labels")
"""Fields of `StageOptions` that add up over the cells of a stage."""

# Tag prefix -> (field of StageOptions, reader of a value that has the right form).
OPTION_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "retries": ("retries", int),
    "timeout": ("timeout_seconds", _read_duration),
    "cell-timeout": ("cell_timeout_seconds", _read_duration),
    "cache": ("cache_seconds", _read_cache),
    "reads": ("reads", _read_names),
    "writes": ("writes", _read_names),
    "contract": ("contracts", _read_contracts),
    "labels": ("labels", _read_variables),
    "approve": ("approve", _read_question),
    "promote": ("promote", _read_promotion_metric),
    "cpus": ("cpus", float),
    "memory": ("memory_bytes", _read_memory),
    "gpus": ("gpus", int),
    "image": ("image", str),
    "secret": ("secrets", _read_names),
    "limit": ("limits", _read_limit),
}
