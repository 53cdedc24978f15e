"""The errors of the kernel side. Each names the variable or file and says what is wrong
with it.

The runner tells them apart by class name; none of them is a defect of ours.
"""

from __future__ import annotations

__all__ = [
    "CannotTravelError",
    "DefinitionError",
    "PayloadError",
    "UntrustedStoreError",
]


class PayloadError(Exception):
    """A stored value is missing, truncated, altered or was written by another
    Python."""


class UntrustedStoreError(PayloadError):
    """The store belongs to somebody else or others can write it; loading would run
    their code."""


class DefinitionError(Exception):
    """A payload needs a class or function of the notebook that this stage has
    differently or not at all."""


class CannotTravelError(Exception):
    """A value holds something that has no meaning in another process.

    `path` leads from the variable to the culprit (`cfg['log'].stream`).
    """

    def __init__(self, reason: str, *, type_name: str = "", path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.type_name = type_name
        self.path = path
