"""How values of other libraries are stored, where pickle does it badly or not at all.

A distribution adds a format through the entry point group `jupyter_pipe.formats`: an
object with the attributes of `Format`, or a callable that returns one. Its module
should import no heavy library before `dump` or `load` is called.
"""

from __future__ import annotations

from typing import Any, Protocol

from ..plugins import find_plugins

__all__ = ["Format", "find_format"]

_GROUP = "jupyter_pipe.formats"


class Format(Protocol):
    """`kind` is the full name of the class whose instances it stores:
    `polars.dataframe.frame.DataFrame`."""

    kind: str

    def dump(self, value: Any) -> Any:
        """What to pickle instead; numpy arrays and `pickle.PickleBuffer`s in it are
        mapped, not copied."""

    def load(self, stored: Any) -> Any:
        """The value again. Arrays in `stored` are writable and private."""


def find_format(kind: str) -> Format | None:
    """The format for a class, by its full name."""
    for one in find_plugins(_GROUP):
        if one.kind == kind:
            found: Format = one
            return found
    return None
