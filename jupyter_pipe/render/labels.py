"""Where the names of values stand beside the edges: only where nothing is covered.

Edges that leave one stage with the same names are labelled once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from jupyter_pipe.render.layout import Layout, Route, text_width

__all__ = ["Label", "place_labels"]

SIZE = 10.0
LONGEST = 28
STEEP = 16.0
BAND = 32.0


class Label(NamedTuple):
    """`x` is the left end and `y` the baseline."""

    x: float
    y: float
    text: str


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
    """Areas by the bands of the picture that they touch, so that only near ones are compared."""

    def __init__(self) -> None:
        self._bands: dict[int, list[_Area]] = defaultdict(list)

    def add(self, area: _Area) -> None:
        for band in _bands(area):
            self._bands[band].append(area)

    def meets(self, area: _Area) -> bool:
        return any(area.meets(other) for band in _bands(area) for other in self._bands.get(band, ()))


def _bands(area: _Area) -> range:
    return range(int(area.top // BAND), int(area.bottom // BAND) + 1)


def place_labels(drawing: Layout) -> list[Label]:
    """The labels that fit, at most one for each stage and set of names."""
    taken = _Taken()
    for box in drawing.boxes:
        taken.add(_Area(box.x, box.y, box.x + box.width, box.y + box.height))
    labels: list[Label] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for route in drawing.routes:
        text = _label_text(route)
        if not text or (route.from_, route.names) in seen:
            continue
        for label in _candidates(route, text):
            area = _Area(label.x, label.y - SIZE + 1, label.x + text_width(text, SIZE), label.y + 2)
            if area.left >= 0 and area.right <= drawing.width and not taken.meets(area):
                seen.add((route.from_, route.names))
                taken.add(area)
                labels.append(label)
                break
    return labels


def _label_text(route: Route) -> str:
    """The values that travel; ambient state and files stay in the tooltip unless they are all."""
    names = [name for name in route.names if not name.startswith(("@", "file:"))] or list(route.names)
    text = ", ".join(names)
    while len(text) > LONGEST and len(names) > 1:
        names = names[:-1]
        text = f"{', '.join(names)}, …"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _candidates(route: Route, text: str) -> Iterator[Label]:
    width = text_width(text, SIZE)
    (x0, y0), (x1, y1) = route.points[0], route.points[1]
    for share in (0.5, 0.62, 0.38):
        bend = share * share * (3 - 2 * share)
        x, y = x0 + (x1 - x0) * bend, y0 + (y1 - y0) * share + SIZE / 2 - 1.5
        if abs(x1 - x0) < STEEP:
            yield Label(max(x0, x1) + 6, y, text)
            yield Label(min(x0, x1) - 6 - width, y, text)
        else:
            yield Label(x - width / 2, y, text)
