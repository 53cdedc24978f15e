"""Values that another distribution stores, where pickle does it badly or not at all.

A distribution adds a format through the entry point group `jupyter_pipe.formats`: an
object with the attributes of `Format`, or a callable that returns one. Its module
should import no heavy library before `dump` or `load` is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ...errors import PayloadError
from ...plugins import find_plugins
from ..decoder import Decoder, restores
from .kind import Kind

if TYPE_CHECKING:
    from ..digest import Walk
    from ..encoder import Encoder

__all__ = ["Format", "Formatted", "find_format"]

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


class Formatted(Kind):
    """Values of a format's class, but not of classes that inherit from it: `load` would
    give them back as something else."""

    def __init__(self, found: Format) -> None:
        super().__init__()
        self._format = found

    def encode(self, encoder: Encoder, value: Any) -> Any:
        return formatted, (self._format.kind, self._format.dump(value))

    def digest(self, walk: Walk, value: Any) -> None:
        walk.tagged(b"format", self._format.kind, self._format.dump(value))


@restores
def formatted(decoder: Decoder, kind: str, stored: Any) -> Any:
    found = find_format(kind)
    if found is None:
        raise PayloadError(
            f"The stored {kind} needs a format that is not installed in this kernel."
        )
    return found.load(stored)
