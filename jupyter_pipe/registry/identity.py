"""Which rows a version has learned from: rows as short digests, so that none of them
need be kept. Pure.

A row is known by its key columns, where the notebook has some, else by everything in it
but the target: a label that was corrected later does not make another row of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["RowIdentity", "pack", "unpack"]

_BYTES = 8
# Of two million rows, one in ten million is taken for another: it is left out of a
# comparison, no more.


class RowIdentity:
    """Tells rows apart, given what the notebook says of its columns."""

    def __init__(self, keys: Sequence[str], targets: Iterable[str]) -> None:
        self._keys = tuple(keys)
        self._targets = frozenset(targets)

    def digest(self, row: Mapping[str, Any]) -> bytes:
        """Of a record: eight bytes, equal for equal rows whatever kind of number a
        value is."""
        if self._keys and all(row.get(key) is not None for key in self._keys):
            told = {key: row[key] for key in self._keys}
        else:
            told = {
                name: value for name, value in row.items() if name not in self._targets
            }
        text = json.dumps(
            {str(name): _plain(value) for name, value in told.items()}, sort_keys=True
        )
        return hashlib.blake2b(text.encode(), digest_size=_BYTES).digest()


def _plain(value: Any) -> Any:
    """The value as JSON tells it: 3 in a column without gaps is 3.0 in one with gaps,
    and a gap is a gap, however it is written."""
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - that is what NaN is
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # Above that, floats skip whole numbers: two ids would become one.
        return float(value) if abs(value) < 2**53 else str(value)
    return value if value is None or isinstance(value, (bool, str)) else str(value)


def pack(digests: Iterable[bytes]) -> bytes:
    """Digests as one file, sorted, each once."""
    return b"".join(sorted(set(digests)))


def unpack(data: bytes) -> frozenset[bytes]:
    """The digests in a file."""
    return frozenset(
        data[start : start + _BYTES] for start in range(0, len(data), _BYTES)
    )
