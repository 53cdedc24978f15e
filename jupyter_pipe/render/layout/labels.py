"""Where the names of values stand beside the edges: only where no box and no other name
is covered, and off the lines of other edges: at most one runs behind a name.

Edges that leave one stage with the same names are labelled once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from jupyter_pipe.render.layout.layout import Layout, Point, Route, text_width

__all__ = ["Label", "place_labels"]

# Pixels, as are STEEP and BAND.
SIZE = 10.0
LONGEST = 28
STEEP = 16.0
BAND = 32.0
# So many points of each piece of an edge are compared with the area of a name.
SAMPLES = 16
# One line behind a name can be read over, two cannot.
TOO_MANY = 2

_Piece = tuple[Point, Point]


class Label(NamedTuple):
    """`x` is the left end and `y` the baseline."""

    x: float
    y: float
    text: str

    @property
    def width(self) -> float:
        return text_width(self.text, SIZE)


class _Area(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Area) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


class _Taken:
    """Areas by the bands of the picture that they touch, so that only near ones are
    compared."""

    def __init__(self) -> None:
        self._bands: dict[int, list[_Area]] = defaultdict(list)

    def add(self, area: _Area) -> None:
        for band in _bands(area):
            self._bands[band].append(area)

    def meets(self, area: _Area) -> bool:
        return any(
            area.meets(other)
            for band in _bands(area)
            for other in self._bands.get(band, ())
        )


class _Lines:
    """Points along the lines of all edges, by the bands that they lie in."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._bands: dict[int, list[tuple[Point, _Piece]]] = defaultdict(list)
        for piece in dict.fromkeys(
            piece for route in routes for piece in pairwise(route.points)
        ):
            for step in range(1, SAMPLES):
                point = _point(*piece, step / SAMPLES)
                self._bands[int(point[1] // BAND)].append((point, piece))

    def crossing(self, area: _Area, route: Route) -> int:
        """How many lines other than those of `route` run through the area."""
        found = {
            piece
            for band in _bands(area)
            for (x, y), piece in self._bands.get(band, ())
            if area.left < x < area.right and area.top < y < area.bottom
        }
        return len(found.difference(pairwise(route.points)))


def _point(start: Point, end: Point, share: float) -> Point:
    """A point of the curve with vertical tangents, by the share of its height."""
    bend = share * share * (3 - 2 * share)
    return start[0] + (end[0] - start[0]) * bend, start[1] + (end[1] - start[1]) * share


def _bands(area: _Area) -> range:
    return range(int(area.top // BAND), int(area.bottom // BAND) + 1)


def place_labels(drawing: Layout) -> list[Label]:
    """The labels that fit, at most one for each stage and set of names."""
    taken = _Taken()
    for box in drawing.boxes:
        taken.add(_Area(box.x, box.y, box.x + box.width, box.y + box.height))
    lines = _Lines(drawing.routes)
    labels: list[Label] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for route in drawing.routes:
        text = _label_text(route)
        if not text or (route.from_, route.names) in seen:
            continue
        best = _least_crossed(route, text, lines, taken, drawing.width)
        if best is not None:
            seen.add((route.from_, route.names))
            taken.add(_area(best))
            labels.append(best)
    return labels


def _least_crossed(
    route: Route, text: str, lines: _Lines, taken: _Taken, width: float
) -> Label | None:
    """The first of the free places with the fewest lines through it."""
    best, fewest = None, TOO_MANY
    for label in _candidates(route, text):
        area = _area(label)
        if area.left < 0 or area.right > width or taken.meets(area):
            continue
        crossings = lines.crossing(area, route)
        if crossings < fewest:
            best, fewest = label, crossings
        if not fewest:
            break
    return best


def _area(label: Label) -> _Area:
    return _Area(label.x, label.y - SIZE + 1, label.x + label.width, label.y + 2)


def _label_text(route: Route) -> str:
    """The values that travel; ambient state and files stay in the tooltip unless they
    are all."""
    names = [
        name for name in route.names if not name.startswith(("@", "file:"))
    ] or list(route.names)
    text = ", ".join(names)
    while len(text) > LONGEST and len(names) > 1:
        names = names[:-1]
        text = f"{', '.join(names)}, …"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _candidates(route: Route, text: str) -> Iterator[Label]:
    width = text_width(text, SIZE)
    (x0, y0), (x1, y1) = route.points[0], route.points[1]
    # The middle first, then outwards on both sides.
    for share in (0.5, 0.62, 0.38, 0.74, 0.26):
        x, y = _point((x0, y0), (x1, y1), share)
        y += SIZE / 2 - 1.5
        if abs(x1 - x0) < STEEP:
            yield Label(max(x0, x1) + 6, y, text)
            yield Label(min(x0, x1) - 6 - width, y, text)
        else:
            yield Label(x - width / 2, y, text)
