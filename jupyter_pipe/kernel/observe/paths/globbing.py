"""Which names of a folder a search looks at: `glob("inputs/*.csv")` does not care for
notes.txt."""

from __future__ import annotations

import fnmatch
import os
from types import FrameType

__all__ = ["Searches"]

_KEPT = 50
_SEARCHING = (
    "glob.py",
    "/pathlib.py",
    "/pathlib/__init__.py",
    "<frozen glob>",
    "/pathlib/_local.py",
)
_LISTING = frozenset({"iterdir", "walk", "rglob_all"})
_MAGIC = frozenset("*?[")


class Searches:
    """The latest searches, as the parts of their paths, absolute: `["", "data",
    "inputs", "*.csv"]`."""

    def __init__(self) -> None:
        self._parts: list[list[str]] = []

    def begin(self, root: str, pattern: str) -> None:
        """`pattern` is looked for from the folder `root` on."""
        parts = os.path.normpath(os.path.join(root, pattern)).split("/")
        if parts in self._parts:
            self._parts.remove(parts)
        self._parts = [parts, *self._parts[: _KEPT - 1]]

    def patterns(self, folder: str, frame: FrameType | None) -> list[str]:
        """For which patterns the folder may be listed just now; `[""]` if all its names
        count."""
        if (
            not self._parts
            or frame is None
            or not frame.f_code.co_filename.endswith(_SEARCHING)
        ):
            return [""]
        outer = frame.f_back
        if frame.f_code.co_name in _LISTING or (
            outer is not None and outer.f_code.co_name in _LISTING
        ):
            return [""]
        found = {
            pattern
            for parts in self._parts
            if (pattern := _pattern_in(parts, folder)) is not None
        }
        return sorted(found) or [""]


def _pattern_in(parts: list[str], folder: str) -> str | None:
    """The part that the names in a folder are matched with; empty for all, None if it
    is not searched."""
    levels = folder.split("/")
    for depth, level in enumerate(levels):
        if depth >= len(parts):
            return None
        if parts[depth] == "**":
            return ""
        if not fnmatch.fnmatchcase(level, parts[depth]):
            return None
    if len(levels) >= len(parts):
        return None
    part = parts[len(levels)]
    return "" if part == "**" or not _MAGIC & set(part) else part
