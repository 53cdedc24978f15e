"""Where on the row each vertex stands: between its neighbours, never overlapping.

Given the wished-for places of a row, the nearest places that keep order and distance
are found exactly (least squares, by pooling neighbours that push against each other).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, cycle, islice, pairwise
from typing import NamedTuple

from jupyter_pipe.render.layout.layers import Vertex

__all__ = ["place_rows"]

# Pixels: below a tenth nobody sees a row move.
SWEEPS, STILL = 40, 0.1
GRAVITY, NEAR = 0.4, 48.0
# Where both cannot have their wish, the edge bends and the stage stays.
STAGE_WEIGHT, WAYPOINT_WEIGHT = 1.0, 0.2

Links = Mapping[Vertex, Sequence[Vertex]]


class _Packed(NamedTuple):
    """A row with what does not depend on where it stands: its tightest packing, and
    weights."""

    row: Sequence[Vertex]
    offsets: list[float]
    weights: list[float]


def _centre(packed: _Packed, centres: dict[Vertex, float]) -> None:
    """Begin with the row's middle at 0."""
    middle = packed.offsets[-1] / 2 if packed.offsets else 0.0
    for vertex, place in zip(packed.row, packed.offsets, strict=True):
        centres[vertex] = place - middle


def _balance(
    packed: Sequence[_Packed],
    centres: dict[Vertex, float],
    ends: Mapping[Vertex, Sequence[Vertex]],
) -> None:
    """Move every row towards its neighbours, down and up in turn, until nothing moves
    any more."""
    for rows in islice(cycle((packed, packed[::-1])), SWEEPS):
        moved = 0.0
        for each in rows:
            wishes = [_balanced(ends[one], centres) for one in each.row]
            moved = max(moved, _settle(each, centres, wishes))
        if moved < STILL:
            return


def place_rows(
    rows: Sequence[Sequence[Vertex]],
    above: Links,
    below: Links,
    widths: Mapping[Vertex, float],
    gap: float,
) -> dict[Vertex, float]:
    """The centre of each vertex, the leftmost edge of the picture being 0."""
    centres: dict[Vertex, float] = {}
    packed = [_Packed(row, _offsets(row, widths, gap), _weights(row)) for row in rows]
    for each in packed:
        _centre(each, centres)

    ends = {vertex: _ends(vertex, above, below) for row in rows for vertex in row}
    _balance(packed, centres, ends)

    for neighbours, order in ((above, packed), (below, packed[::-1])):
        for each in order:
            wishes = [
                _straight(vertex, neighbours.get(vertex, ()), centres)
                for vertex in each.row
            ]
            _settle(each, centres, wishes)

    left = min(
        (centres[vertex] - widths[vertex] / 2 for vertex in centres), default=0.0
    )
    return {vertex: round(centre - left, 1) for vertex, centre in centres.items()}


def _ends(vertex: Vertex, above: Links, below: Links) -> list[Vertex]:
    """The neighbours to stand between: a waypoint keeps to its bundle, so that bundles
    run straight."""
    ends = [*above.get(vertex, ()), *below.get(vertex, ())]
    bundle = [end for end in ends if end.end] if vertex.end else []
    return bundle or ends


def _balanced(ends: Sequence[Vertex], centres: Mapping[Vertex, float]) -> float:
    """The mean of the neighbours, drawn to the middle of the picture, which is 0."""
    return sum(centres[end] for end in ends) / (len(ends) + GRAVITY)


def _straight(
    vertex: Vertex, ends: Sequence[Vertex], centres: Mapping[Vertex, float]
) -> float:
    """Right at the median neighbour of one side, if that is near."""
    centre = centres[vertex]
    places = sorted(centres[end] for end in ends)
    if not places:
        return centre
    medians = places[(len(places) - 1) // 2], places[len(places) // 2]
    nearest = min(medians, key=lambda place: abs(place - centre))
    return nearest if abs(nearest - centre) < NEAR else centre


def _settle(
    packed: _Packed, centres: dict[Vertex, float], wishes: Sequence[float]
) -> float:
    """Place a row as near to the wishes as its order allows; returns the longest way of
    a vertex."""
    free = [wish - offset for wish, offset in zip(wishes, packed.offsets, strict=True)]
    moved = 0.0
    for vertex, place, offset in zip(
        packed.row, _isotonic(free, packed.weights), packed.offsets, strict=True
    ):
        moved = max(moved, abs(centres[vertex] - place - offset))
        centres[vertex] = place + offset
    return moved


def _weights(row: Sequence[Vertex]) -> list[float]:
    return [WAYPOINT_WEIGHT if vertex.end else STAGE_WEIGHT for vertex in row]


def _offsets(
    row: Sequence[Vertex], widths: Mapping[Vertex, float], gap: float
) -> list[float]:
    """The centres of the row when it is packed as tightly as allowed, the first at
    0."""
    distances = (
        (widths[left] + widths[right]) / 2 + gap for left, right in pairwise(row)
    )
    # Cut, since an empty row has not even a first place.
    return list(accumulate(distances, initial=0.0))[: len(row)]


def _isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to `values` in weighted least squares."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        pool = (value, weight, 1)
        # Pool adjacent violators: neighbours that would pass each other share a mean.
        while pools and pools[-1][0] >= pool[0]:
            before = pools.pop()
            total = before[1] + pool[1]
            mean = (before[0] * before[1] + pool[0] * pool[1]) / total
            pool = (mean, total, before[2] + pool[2])
        pools.append(pool)
    return [mean for mean, _, count in pools for _ in range(count)]
