"""What a suggestion is: records only."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["SuggestedStage", "Suggestion"]


class SuggestedStage(Struct, frozen=True):
    """A stage of the notebook as it would be. `cells` are ids in notebook order,
    `after` the stages whose values it takes, `receives` those values; `reason` says why
    these cells, in a sentence or two.
    """

    name: str
    cells: tuple[str, ...]
    after: tuple[str, ...] = ()
    receives: tuple[str, ...] = ()
    reason: str = ""


class Suggestion(Struct, frozen=True):
    """`tags` are what to add to which cell; nothing is removed, and cells that need no
    tag are not in it. `notes` say what else the user should know."""

    stages: tuple[SuggestedStage, ...] = ()
    tags: dict[str, tuple[str, ...]] = {}
    notes: tuple[str, ...] = ()
