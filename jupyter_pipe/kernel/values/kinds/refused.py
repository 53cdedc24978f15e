"""What must not travel although pickle would let it, with the reason."""

from __future__ import annotations

from typing import Any, NoReturn

from ...errors import CannotTravelError
from .kind import Kind

__all__ = ["Refused", "refuse_callback"]


class Refused(Kind):
    """Values that make sense in one process only, or that a library holds elsewhere."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def encode(self, encoder: object, value: Any) -> NoReturn:
        raise CannotTravelError(self._reason, type_name=type(value).__name__)


def refuse_callback(value: Any, callback: Any) -> NoReturn:
    """Raises CannotTravelError: the callback would run on another copy of what it
    changes."""
    name = getattr(callback, "__name__", type(callback).__name__)
    raise CannotTravelError(
        f"it calls {name!r} when it changes; connect it in the stage that uses it",
        type_name=type(value).__name__,
    )
