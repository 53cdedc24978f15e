"""In which order the vertices of each row stand, so that few edges cross.

Median sweeps down and up, then exchanges of neighbours; the best order seen wins.
Deterministic: ties keep notebook order.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle, islice, pairwise

from jupyter_pipe.render.layout.layers import Layered, Vertex

__all__ = ["count_crossings", "order_rows"]

SWEEPS = 8

Rows = list[list[Vertex]]
Links = Mapping[Vertex, Sequence[Vertex]]


def order_rows(graph: Layered) -> Rows:
    """The rows of `graph`, each in the order to draw."""
    above, below = links(graph)
    # Copied: sorting happens in place.
    best = current = [list(row) for row in graph.rows]
    fewest = count_crossings(best, below)
    directions = ((above, True), (below, False))
    for neighbours, downwards in islice(cycle(directions), SWEEPS):
        if not fewest:
            break
        current = _sweep(current, neighbours, downwards=downwards)
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
        position = _places(lower)
        seen: list[int] = []
        for vertex in upper:
            ends = sorted(position[end] for end in below.get(vertex, ()))
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _places(row: Sequence[Vertex]) -> dict[Vertex, int]:
    return {vertex: place for place, vertex in enumerate(row)}


def _sweep(rows: Rows, neighbours: Links, *, downwards: bool) -> Rows:
    """Each row in turn, sorted by the medians of its neighbours in the row just
    done."""
    result = [list(row) for row in rows]
    for done, row in pairwise(result if downwards else result[::-1]):
        fixed = _places(done)
        key = {
            vertex: _median(
                [fixed[end] for end in neighbours.get(vertex, ())], default=place
            )
            for vertex, place in _places(row).items()
        }
        row.sort(key=key.__getitem__)
    return result


def _median(places: list[int], default: int) -> float:
    if not places:
        return float(default)
    places.sort()
    # Of an odd number both are the one in the middle.
    return (places[(len(places) - 1) // 2] + places[len(places) // 2]) / 2


def _exchange(rows: Rows, above: Links, below: Links) -> Rows:
    """Neighbours change places wherever that alone saves a crossing."""
    for index, row in enumerate(rows):
        fixed: dict[Vertex, int] = {}
        for other in (*rows[:index][-1:], *rows[index + 1 :][:1]):
            fixed.update(_places(other))
        # Only neighbours: an exchange of others changes the crossings with all between.
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
