"""Not-a-number, where it matters which one it is.

`x in [x]` holds for a NaN only because both are one object. Pickle would make a new one
at each place, so those in a payload are numbered, and `math.nan` and `numpy.nan` stay
those of the module.
"""

from __future__ import annotations

import importlib
import math
import struct
import sys
from typing import Any

__all__ = ["Nans", "find_nan", "may_hold_nan"]

_OPCODES = (b"G\x7f\xf8", b"G\xff\xf8")
"""How a quiet NaN begins in a stream: pickle's opcode for floats and the first bits."""


def may_hold_nan(stream: bytes) -> bool:
    """Whether a pickle may hold a NaN that is a Python float. Those in arrays are not
    objects."""
    return any(opcode in stream for opcode in _OPCODES)


class Nans:
    """The NaN objects of one payload, with the names by which its stream refers to
    them."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.objects: list[
            float
        ] = []  # kept, so that no other object gets the address of one

    def name_of(self, value: float) -> str:
        """For the same object the same name."""
        name = self.names.get(id(value))
        if name is None:
            name = self.names[id(value)] = self._name(value)
            self.objects.append(value)
        return name

    def _name(self, value: float) -> str:
        numpy = sys.modules.get("numpy")
        if value is math.nan:  # noqa: PLW0177
            return "math"
        if numpy is not None and value is numpy.nan:
            return "numpy"
        return f"{len(self.objects)} {struct.pack('>d', value).hex()}"

    def own(self) -> dict[int, float]:
        """Those that are not constants of a module: variables that hold one and the
        same belong together."""
        return {id(one): one for one in self.objects if " " in self.names[id(one)]}


def find_nan(name: str, known: dict[str, Any]) -> float:
    """The NaN that a stream calls `name`; `known` are those that were made before."""
    if name not in known:
        _, _, bits = name.partition(" ")
        known[name] = (
            struct.unpack(">d", bytes.fromhex(bits))[0]
            if bits
            else importlib.import_module(name).nan
        )
    found: float = known[name]
    return found
