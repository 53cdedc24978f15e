"""Hides secrets in what is written down of a run: in the texts of events and failures.
Pure.

Names (of stages, variables, cells) stay as they are, since other things refer to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from jupyter_pipe.artifacts.masking import Masker

__all__ = ["masked"]

# Fields that hold what a notebook computed, printed or raised, in whichever record they
# stand.
_TEXTS = frozenset(
    {
        "ename",
        "error",
        "evalue",
        "hint",
        "message",
        "reason",
        "source",
        "summary",
        "traceback",
        "value",
        "values",
    }
)
_Record = TypeVar("_Record", bound=Struct)


def masked(record: _Record, masker: Masker) -> _Record:
    """The event or failure with secrets hidden in its texts, and in those of its
    frames."""
    if not masker:
        return record
    changes: dict[str, Any] = {
        name: masker.value(getattr(record, name))
        for name in record.__struct_fields__
        if name in _TEXTS
    }
    frames = getattr(record, "frames", ())
    if frames:
        changes["frames"] = tuple(masked(frame, masker) for frame in frames)
    return replace(record, **changes) if changes else record
