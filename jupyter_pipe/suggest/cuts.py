"""Where to cut a row of cells into stages: the cheapest partition, by a price for each
stage. Pure.

A stage costs something by itself and for each value that it takes from outside. It also
costs to have in one stage what a heading divides or what does different things, and to
let work wait that could run in parallel, in this stage or because of it. Stages are
runs of neighbouring cells, so no order of effects can change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from msgspec import Struct

__all__ = ["Piece", "best_cuts"]

# Prices: only their relations to one another matter.
_STAGE = 2.0
_VALUE = 0.3
_OTHER_VERB = 2.2
_LOST_PARALLELISM = 0.5
_LOST_FOR_FREE = 1.0
# All pairs of heavy pieces are compared for each stage, so there is a limit.
_HEAVY, _MOST_HEAVY = 4.0, 24
_SQUARE_OF_CELLS = 0.03
_TRIVIAL_EFFORT = 3.0
_TRIVIAL = 2.0
_SINGLE = 0.6
# Fewer stages than people expect, more than a picture shows at a glance, and more than
# are ever tried.
_FEWEST, _MOST, _LIMIT = 3, 10, 16
_TOO_FEW, _TOO_MANY = 5.0, 8.0


class Piece(Struct, frozen=True):
    """A cell as the cut sees it. `needs` are pairs of a value and the number of the
    piece that it comes from, -1 for outside. `gain` is the effort that is worth a core
    of its own; `heading` is what it costs not to cut right above."""

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
    # best[count][end] is the least price of the first `end` pieces in `count` stages,
    # and where the last of these begins.
    best = [[(inf, 0)] * (total + 1) for _ in range(limit + 1)]
    best[0][0] = (0.0, 0)
    waits = _Waits(pieces)
    for start in range(total):
        for end, price in _prices(pieces, start, waits):
            for count in range(limit):
                before = best[count][start][0]
                if before + price < best[count + 1][end][0]:
                    best[count + 1][end] = (before + price, start)
    count = min(
        range(1, limit + 1), key=lambda n: best[n][total][0] + _price_of_count(n, total)
    )
    return _traced(best, count, total)


def _traced(best: list[list[tuple[float, int]]], count: int, end: int) -> list[range]:
    found: list[range] = []
    while count:
        start = best[count][end][1]
        found.append(range(start, end))
        count, end = count - 1, start
    # Traced from the end.
    return found[::-1]


def _price_of_count(count: int, cells: int) -> float:
    fewest = min(_FEWEST, cells - 1)
    return _TOO_FEW * max(0, fewest - count) + _TOO_MANY * max(0, count - _MOST)


class _Waits:
    """Heavy pieces that do not need each other, and what it costs if stages make one
    wait for the other. Sets of pieces are integers with a bit for each."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        heaviest = sorted(range(len(pieces)), key=lambda number: -pieces[number].gain)[
            :_MOST_HEAVY
        ]
        self.heavy = sorted(
            number for number in heaviest if pieces[number].gain >= _HEAVY
        )
        self.gains = [piece.gain for piece in pieces]
        self.before = [0] * len(pieces)
        for number, piece in enumerate(pieces):
            for _, source in piece.needs:
                if source >= 0:
                    # Pieces stand in order, so what the source needs is known by now.
                    self.before[number] |= self.before[source] | 1 << source

    def price(self, start: int, end: int) -> float:
        """What a stage of these pieces costs in effort that waits in vain."""
        own = range(start, end)
        # The bits from `start` to `end`.
        stage = (1 << end) - (1 << start)
        needed = 0
        for number in own:
            needed |= self.before[number]
        return sum(
            max(
                (
                    self._lost(one, other, stage, needed)
                    for other in self.heavy
                    if other not in own
                ),
                default=0.0,
            )
            for one in self.heavy
            if one in own
        )

    def _lost(self, one: int, other: int, stage: int, needed: int) -> float:
        """`one` is in the stage, `other` is not: does the stage tie them although
        neither needs the other?"""
        if (self.before[one] >> other | self.before[other] >> one) & 1:
            return 0.0
        tied = self.before[other] & stage or needed >> other & 1
        return min(self.gains[one], self.gains[other]) if tied else 0.0


def _prices(
    pieces: Sequence[Piece], start: int, waits: _Waits
) -> Iterator[tuple[int, float]]:
    """The prices of all stages that begin with piece `start`."""
    stage = _Stage(start)
    may_be_single = len(pieces) <= _MOST or pieces[start].gain >= _HEAVY
    for end in range(start + 1, len(pieces) + 1):
        stage.add(pieces[end - 1])
        price = stage.price() + _LOST_PARALLELISM * (
            stage.lost() + waits.price(start, end)
        )
        if end == start + 1 and not may_be_single:
            price += _SINGLE
        yield end, price


class _Stage:
    """A stage that grows by one piece at a time.

    `work` is what its pieces take one after another; `finish` when each would end if
    those that do not need each other ran at the same time.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        self.values: set[tuple[str, int]] = set()
        self.finish: list[float] = []
        self.effort = 0.0
        self.work = 0.0
        self.inner = 0.0
        self.verb = ""

    def add(self, piece: Piece) -> None:
        """The next piece of the row."""
        if self.finish:
            self.inner += piece.heading
            if self.verb and piece.verb and piece.verb != self.verb:
                self.inner += _OTHER_VERB
        self.verb = piece.verb or self.verb
        waits_for = 0.0
        for value, source in piece.needs:
            if source < self.start:
                self.values.add((value, source))
            else:
                waits_for = max(waits_for, self.finish[source - self.start])
        self.finish.append(piece.gain + waits_for)
        self.effort += piece.effort
        self.work += piece.gain

    def lost(self) -> float:
        """The effort inside that could run at the same time as other effort inside."""
        return max(0.0, self.work - max(self.finish) - _LOST_FOR_FREE)

    def price(self) -> float:
        """What the stage costs by itself: for being one, for its values, for what it
        puts together."""
        cells = len(self.finish)
        trivial = max(0.0, _TRIVIAL_EFFORT - self.effort)
        return (
            _STAGE
            + _VALUE * len(self.values)
            + self.inner
            + _SQUARE_OF_CELLS * cells * cells
            + _TRIVIAL * trivial
        )
