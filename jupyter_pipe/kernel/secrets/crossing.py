"""What a stage may leave behind of its secrets: nothing. Finds them in values that
would be stored for later stages, and hides them in what the stage reports.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..values.memory.arrays import contiguous_bytes
from .masker import Masker

__all__ = ["Secrets"]

_CHUNK = 8 << 20
_DEPTH = 12
# Numbers of two bytes or more are not text, except where a program keeps code points in
# them.
_TEXT_KINDS = "SUV"


class Secrets:
    """The stage's secrets, as its environment has them when it begins. `allowed` lets
    values that hold one be stored."""

    def __init__(self, names: Iterable[str], *, allowed: bool = False) -> None:
        self.masker = Masker(
            {name: os.environ[name] for name in names if name in os.environ}
        )
        self.allowed = allowed

    def held_by(self, encoder: Any) -> list[str]:
        """The names of the secrets that an encoded value holds, in its stream or in its
        memory."""
        if not self.masker:
            return []
        found: list[str] = []
        for piece in _pieces(encoder, self.masker.longest_in_memory):
            found += self.masker.names_in_memory(piece)
        return sorted(set(found))

    def place_in(self, name: str, value: Any, is_held: Callable[[Any], bool]) -> str:
        """How to reach the part that holds a secret: `cfg['token']`. `is_held` tells it
        of a value."""
        path = name
        for _ in range(_DEPTH):
            part = next(
                ((key, item) for key, item in _items(value) if is_held(item)), None
            )
            if part is None:
                break
            path, value = f"{path}[{part[0]!r}]", part[1]
        return self.masker.text(path)


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from list(value.items())
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)


def _pieces(encoder: Any, overlap: int) -> Iterator[bytes]:
    """All bytes that would be written in which text can stand, in pieces that
    overlap."""
    yield encoder.file.getvalue()
    arrays = [
        contiguous_bytes(array)
        for array in encoder.memory.arrays
        if array.dtype.kind in _TEXT_KINDS or array.dtype.itemsize == 1
    ]
    for view in [*encoder.memory.buffers, *arrays]:
        flat = memoryview(view).cast("B")
        for start in range(0, len(flat), _CHUNK):
            yield bytes(flat[start : start + _CHUNK + overlap])
