"""Memory maps of files: what is written to them goes to the file, but only from the
process that mapped it.

A later stage gets the values as they were. It may read them; of a map that could be
written to, it may not write to its copy, which would look right and leave the file as
it was.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["writes_to_file"]

_MODES = frozenset({"r+", "w+"})


def writes_to_file(array: Any) -> bool:
    """Whether the array is a writable memory map, or a view of one."""
    numpy = sys.modules["numpy"]
    while isinstance(array, numpy.ndarray):
        if isinstance(array, numpy.memmap) and getattr(array, "mode", None) in _MODES:
            return bool(array.flags.writeable)
        array = array.base
    return False
