"""Where to cut a row of cells into stages: the cheapest partition, by a price for each stage. Pure.

A stage costs something by itself and for each value that it takes from outside. It also costs to
have in one stage what a heading divides or what does different things, and to let work wait that
could run in parallel, in this stage or because of it. Stages are runs of neighbouring cells, so no
order of effects can change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from msgspec import Struct

__all__ = ["Piece", "best_cuts"]

_STAGE = 2.0
_VALUE = 0.3
_OTHER_VERB = 2.2
_LOST_PARALLELISM = 0.5
_LOST_FOR_FREE = 1.0
_HEAVY, _MOST_HEAVY = 4.0, 24
_SQUARE_OF_CELLS = 0.03
_TRIVIAL_EFFORT = 3.0
_TRIVIAL = 2.0
_SINGLE = 0.6
_FEWEST, _MOST, _LIMIT = 3, 10, 16
_TOO_FEW, _TOO_MANY = 5.0, 8.0


class Piece(Struct, frozen=True):
    """A cell as the cut sees it. `needs` are pairs of a value and the number of the piece that it
    comes from, -1 for outside. `gain` is the effort that is worth a core of its own; `heading`
    is what it costs not to cut right above."""

    effort: float
    gain: float
    needs: tuple[tuple[str, int], ...] = ()
    verb: str = ""
    heading: float = 0.0


def best_cuts(pieces: Sequence[Piece]) -> list[range]:
    """The stages, each as the range of its pieces."""
    total = len(pieces)
    if not total:
        return []
    limit = min(total, _LIMIT)
    # best[count][end] is the least price of the first `end` pieces in `count` stages, and where the
    # last of these begins.
    best = [[(inf, 0)] * (total + 1) for _ in range(limit + 1)]
    best[0][0] = (0.0, 0)
    waits = _Waits(pieces)
    for start in range(total):
        for end, price in _prices(pieces, start, waits):
            for count in range(limit):
                before = best[count][start][0]
                if before + price < best[count + 1][end][0]:
                    best[count + 1][end] = (before + price, start)
    count = min(range(1, limit + 1), key=lambda n: best[n][total][0] + _price_of_count(n, total))
    return _traced(best, count, total)


def _traced(best: list[list[tuple[float, int]]], count: int, end: int) -> list[range]:
    found: list[range] = []
    while count:
        start = best[count][end][1]
        found.append(range(start, end))
        count, end = count - 1, start
    return found[::-1]


def _price_of_count(count: int, cells: int) -> float:
    fewest = min(_FEWEST, cells - 1)
    return _TOO_FEW * max(0, fewest - count) + _TOO_MANY * max(0, count - _MOST)


class _Waits:
    """Heavy pieces that do not need each other, and what it costs if stages make one wait for the
    other. Sets of pieces are integers with a bit for each."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        heaviest = sorted(range(len(pieces)), key=lambda number: -pieces[number].gain)[:_MOST_HEAVY]
        self.heavy = sorted(number for number in heaviest if pieces[number].gain >= _HEAVY)
        self.gains = [piece.gain for piece in pieces]
        self.before = [0] * len(pieces)
        for number, piece in enumerate(pieces):
            for _, source in piece.needs:
                if source >= 0:
                    self.before[number] |= self.before[source] | 1 << source

    def price(self, start: int, end: int) -> float:
        """What a stage of these pieces costs in effort that waits in vain."""
        own = range(start, end)
        stage = (1 << end) - (1 << start)
        needed = 0
        for number in own:
            needed |= self.before[number]
        return sum(
            max(
                (self._lost(one, other, stage, needed) for other in self.heavy if other not in own),
                default=0.0,
            )
            for one in self.heavy
            if one in own
        )

    def _lost(self, one: int, other: int, stage: int, needed: int) -> float:
        """`one` is in the stage, `other` is not: does the stage tie them although neither needs the
        other?"""
        if (self.before[one] >> other | self.before[other] >> one) & 1:
            return 0.0
        tied = self.before[other] & stage or needed >> other & 1
        return min(self.gains[one], self.gains[other]) if tied else 0.0


def _prices(pieces: Sequence[Piece], start: int, waits: _Waits) -> Iterator[tuple[int, float]]:
    """The prices of all stages that begin with piece `start`."""
    values: set[tuple[str, int]] = set()
    finish: dict[int, float] = {}
    effort = work = inner = 0.0
    verb = ""
    for number in range(start, len(pieces)):
        piece = pieces[number]
        if number > start:
            inner += piece.heading + _OTHER_VERB * bool(verb and piece.verb and verb != piece.verb)
        verb = piece.verb or verb
        values.update(need for need in piece.needs if need[1] < start)
        inside = [finish[source] for _, source in piece.needs if source >= start]
        finish[number] = piece.gain + max(inside, default=0.0)
        effort += piece.effort
        work += piece.gain
        lost = max(0.0, work - max(finish.values()) - _LOST_FOR_FREE)
        lost += waits.price(start, number + 1)
        cells = number + 1 - start
        price = _STAGE + _VALUE * len(values) + inner + _LOST_PARALLELISM * lost
        price += _SQUARE_OF_CELLS * cells * cells + _TRIVIAL * max(0.0, _TRIVIAL_EFFORT - effort)
        if cells == 1 and len(pieces) > _MOST and piece.gain < _HEAVY:
            price += _SINGLE
        yield number + 1, price
