"""Which row of the picture each stage stands in, and the waypoints of edges that cross
rows.

Rows follow the longest path, stages slide down towards what uses them, and a row never
holds more than `columns` stages. Edges over several rows go through waypoints; edges
that leave the same stage, or enter the same stage, share theirs, so that sixty edges
draw as one bundle.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Layered", "Vertex", "layered"]


class Vertex(NamedTuple):
    """A stage (`end` empty) or the waypoint of a bundle in `row`; `end` says which end
    it shares."""

    name: str
    end: str = ""
    row: int = 0


class Layered(NamedTuple):
    """`rows` hold vertices in notebook order, `chains` the vertices of each edge from
    end to end."""

    rows: list[list[Vertex]]
    chains: dict[tuple[str, str], list[Vertex]]


def layered(
    names: Sequence[str],
    edges: Iterable[tuple[str, str]],
    *,
    columns: int,
    groups: Sequence[Sequence[str]] = (),
) -> Layered:
    """Rows and chains for a graph whose `names` are given in a topological order. Each
    of `groups`, if there are any, has rows of its own, below those of the group before
    it."""
    pairs = _forward_edges(names, edges)
    row_of: dict[str, int] = {}
    for group in groups or (names,):
        start = max(row_of.values(), default=-1) + 1
        within = [pair for pair in pairs if set(group).issuperset(pair)]
        rows = _limit_width(group, within, _longest_path(group, within), columns)
        row_of.update((name, start + row) for name, row in rows.items())
    return _with_waypoints(names, pairs, row_of)


def _forward_edges(
    names: Sequence[str], edges: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Known, distinct edges; one that runs against the order (a cycle being shown) is
    turned round."""
    position = {name: index for index, name in enumerate(names)}
    pairs = {
        (a, b) if position[a] < position[b] else (b, a)
        for a, b in edges
        if position.keys() >= {a, b} and a != b
    }
    return sorted(pairs, key=lambda pair: (position[pair[0]], position[pair[1]]))


def _neighbours(
    pairs: Iterable[tuple[str, str]],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for a, b in pairs:
        above[b].append(a)
        below[a].append(b)
    return above, below


def _longest_path(
    names: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> dict[str, int]:
    """Rows from the top, then every stage with more edges out than in slides down."""
    above, below = _neighbours(pairs)
    row_of: dict[str, int] = {}
    for name in names:
        row_of[name] = _first_row(above[name], row_of)
    # From the end, since where a stage may slide depends on those below.
    for name in reversed(names):
        if len(below[name]) > len(above[name]):
            row_of[name] = min(row_of[after] for after in below[name]) - 1
    return row_of


def _first_row(above: Iterable[str], row_of: Mapping[str, int]) -> int:
    """The first row below everything that a stage uses."""
    return max((row_of[before] + 1 for before in above), default=0)


def _limit_width(
    names: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    ideal: Mapping[str, int],
    columns: int,
) -> dict[str, int]:
    """Rows of at most `columns` stages: what does not fit moves down, and all below it
    with it."""
    above, _ = _neighbours(pairs)
    counts = Counter(ideal.values())
    filled: Counter[int] = Counter()
    row_of: dict[str, int] = {}
    # Sorting keeps the order of the notebook within a row.
    for name in sorted(names, key=ideal.__getitem__):
        row = max(
            _first_row(above[name], row_of),
            ideal[name] + _extra_rows(counts, ideal[name], columns),
        )
        while filled[row] >= _share(counts[ideal[name]], columns):
            row += 1
        row_of[name] = row
        filled[row] += 1
    return row_of


def _extra_rows(counts: Mapping[int, int], row: int, columns: int) -> int:
    """How many rows were inserted above `row` by splitting the wide ones there."""
    return sum((count - 1) // columns for ideal, count in counts.items() if ideal < row)


def _share(count: int, columns: int) -> int:
    """A row that must be split is split evenly: 20 stages stand as 7, 7, 6 and not as
    8, 8, 4."""
    if count <= columns:
        return columns
    parts = -(-count // columns)
    return -(-count // parts)


def _with_waypoints(
    names: Sequence[str], pairs: Sequence[tuple[str, str]], row_of: Mapping[str, int]
) -> Layered:
    """Edges that cross rows get a point in each; edges of one stage share them, and so
    look like one line."""
    long_pairs = [(a, b) for a, b in pairs if row_of[b] - row_of[a] > 1]
    leaving = Counter(a for a, _ in long_pairs)
    entering = Counter(b for _, b in long_pairs)
    rows: list[list[Vertex]] = [[] for _ in range(max(row_of.values(), default=-1) + 1)]
    for name in names:
        rows[row_of[name]].append(Vertex(name))
    chains: dict[tuple[str, str], list[Vertex]] = {}
    for a, b in pairs:
        # The end with more long edges makes the thicker bundle.
        shared = (a, "from") if leaving[a] >= entering[b] else (b, "to")
        points = [
            Vertex(shared[0], shared[1], row) for row in range(row_of[a] + 1, row_of[b])
        ]
        for point in points:
            if point not in rows[point.row]:
                rows[point.row].append(point)
        chains[a, b] = [Vertex(a), *points, Vertex(b)]
    return Layered(rows, chains)
