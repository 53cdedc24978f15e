"""How aliases move from one version to another: decided here, carried out by the
registry. Pure.

Three aliases cannot be moved in one transaction of MLflow. So the decision is written
down first, in one tag of the model; from then on it holds. Readers that know of it see
it as done, and whoever writes next finishes it. Readers that know MLflow alone always
find a champion: it is moved, never removed.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from jupyter_pipe.registry.model import CHALLENGER, CHAMPION, PREVIOUS

__all__ = [
    "Move",
    "move_text",
    "moved",
    "parse_move",
    "promoting",
    "registering",
    "rejecting",
    "rolling_back",
]

ORDER = (PREVIOUS, CHAMPION, CHALLENGER)
"""Before the champion goes, it is kept as the one to go back to."""


class Move(Struct, frozen=True):
    """Where aliases are to point; None removes one. Those that are not named stay."""

    aliases: dict[str, int | None]

    def steps(self, now: Mapping[str, int]) -> list[tuple[str, int | None]]:
        """What is left to do, in order."""
        ordered = [
            (alias, self.aliases[alias]) for alias in ORDER if alias in self.aliases
        ]
        return [
            (alias, number) for alias, number in ordered if now.get(alias) != number
        ]


def registering(now: Mapping[str, int], number: int) -> Move:
    """A new version is the challenger. The first of a model waits for its promotion,
    too."""
    del now
    return Move({CHALLENGER: number})


def promoting(now: Mapping[str, int], number: int) -> Move:
    """The version answers from now on; the one that did is kept."""
    aliases: dict[str, int | None] = {CHAMPION: number}
    # A champion that is promoted again would otherwise become its own predecessor.
    if CHAMPION in now and now[CHAMPION] != number:
        aliases[PREVIOUS] = now[CHAMPION]
    if now.get(CHALLENGER) == number:
        aliases[CHALLENGER] = None
    return Move(aliases)


def rejecting(now: Mapping[str, int], number: int) -> Move:
    """A version that was rejected challenges nobody any more."""
    return Move({CHALLENGER: None} if now.get(CHALLENGER) == number else {})


def rolling_back(now: Mapping[str, int]) -> Move:
    """Champion and previous change places, so that rolling back twice changes
    nothing."""
    return Move({PREVIOUS: now[CHAMPION], CHAMPION: now[PREVIOUS]})


def moved(now: Mapping[str, int], move: Move | None) -> dict[str, int]:
    """The aliases once the move is done."""
    merged: dict[str, int | None] = {**now, **(move.aliases if move else {})}
    return {alias: number for alias, number in merged.items() if number is not None}


def move_text(move: Move) -> str:
    """The move as the text of a tag."""
    return msgspec.json.encode(move).decode()


def parse_move(text: str) -> Move | None:
    """The move that a tag holds; None for none, or for what is none of ours."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Move)
    except (msgspec.MsgspecError, ValueError):
        return None
