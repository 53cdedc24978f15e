"""In which order the vertices of each row stand, so that few edges cross.

Median sweeps down and up, then exchanges of neighbours; the best order seen wins.
Deterministic: ties keep notebook order.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from jupyter_pipe.render.layout.layers import Layered, Vertex

__all__ = ["count_crossings", "order_rows"]

SWEEPS = 8

Rows = list[list[Vertex]]
Links = Mapping[Vertex, Sequence[Vertex]]


def order_rows(graph: Layered) -> Rows:
    """The rows of `graph`, each in the order to draw."""
    above, below = links(graph)
    best = current = [list(row) for row in graph.rows]
    fewest = count_crossings(best, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        current = _sweep(
            current, above if sweep % 2 == 0 else below, downwards=sweep % 2 == 0
        )
        current = _exchange(current, above, below)
        crossings = count_crossings(current, below)
        if crossings < fewest:
            best, fewest = current, crossings
    return best


def links(graph: Layered) -> tuple[Links, Links]:
    """The neighbours of each vertex in the row above and in the row below, without
    repetition."""
    above: dict[Vertex, list[Vertex]] = defaultdict(list)
    below: dict[Vertex, list[Vertex]] = defaultdict(list)
    for chain in graph.chains.values():
        for upper, lower in pairwise(chain):
            if lower not in below[upper]:
                below[upper].append(lower)
                above[lower].append(upper)
    return above, below


def count_crossings(rows: Rows, below: Links) -> int:
    """How many pairs of edge segments cross between neighbouring rows."""
    total = 0
    for upper, lower in pairwise(rows):
        position = {vertex: index for index, vertex in enumerate(lower)}
        seen: list[int] = []
        for vertex in upper:
            ends = sorted(position[end] for end in below.get(vertex, ()))
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _sweep(rows: Rows, neighbours: Links, *, downwards: bool) -> Rows:
    """Each row in turn, sorted by the medians of its neighbours in the row just
    done."""
    result = [list(row) for row in rows]
    indices = range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1)
    for index in indices:
        fixed = {
            vertex: place
            for place, vertex in enumerate(
                result[index - 1 if downwards else index + 1]
            )
        }
        places = {vertex: place for place, vertex in enumerate(result[index])}
        key = {
            vertex: _median(
                [fixed[end] for end in neighbours.get(vertex, ())], places[vertex]
            )
            for vertex in result[index]
        }
        result[index].sort(key=key.__getitem__)
    return result


def _median(places: list[int], default: int) -> float:
    if not places:
        return float(default)
    places.sort()
    middle = len(places) // 2
    return (
        float(places[middle])
        if len(places) % 2
        else (places[middle - 1] + places[middle]) / 2
    )


def _exchange(rows: Rows, above: Links, below: Links) -> Rows:
    """Neighbours change places wherever that alone saves a crossing."""
    for index, row in enumerate(rows):
        fixed: dict[Vertex, int] = {}
        for other in (index - 1, index + 1):
            if 0 <= other < len(rows):
                fixed.update(
                    (vertex, place) for place, vertex in enumerate(rows[other])
                )
        for place in range(len(row) - 1):
            left, right = row[place], row[place + 1]
            now = _pair_crossings(left, right, above, fixed) + _pair_crossings(
                left, right, below, fixed
            )
            then = _pair_crossings(right, left, above, fixed) + _pair_crossings(
                right, left, below, fixed
            )
            if then < now:
                row[place], row[place + 1] = right, left
    return rows


def _pair_crossings(
    left: Vertex, right: Vertex, neighbours: Links, fixed: Mapping[Vertex, int]
) -> int:
    ends = sorted(fixed[end] for end in neighbours.get(right, ()))
    return sum(bisect_left(ends, fixed[end]) for end in neighbours.get(left, ()))
