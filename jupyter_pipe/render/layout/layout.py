"""Where everything in the picture of a pipeline stands: boxes, edges, labels.

Top to bottom, deterministic, in pixels. Edges are lists of points with vertical
tangents; drawing them as curves is the business of `svg`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from jupyter_pipe.model import Pipeline
from jupyter_pipe.render.layout.coordinates import place_rows
from jupyter_pipe.render.layout.crossings import links, order_rows
from jupyter_pipe.render.layout.layers import Layered, Vertex, layered

__all__ = [
    "Box",
    "Frame",
    "Layout",
    "Point",
    "Route",
    "layout",
    "short_name",
    "text_width",
]

NODE_WIDTH = 84.0
WIDEST_NODE = 200.0
NODE_HEIGHT = 20.0
NAME_START = 25.0
GAP = 18.0
WAYPOINT_WIDTH = 2.0
NEAREST_ROWS, FARTHEST_ROWS = 18.0, 44.0
MARGIN = 4.0
FRAME_HEAD, FRAME_FOOT = 22.0, 6.0

Point = tuple[float, float]


class Box(Struct, frozen=True):
    """A stage's box; `x`, `y` are its top left corner, `number` its place in notebook
    order."""

    name: str
    x: float
    y: float
    width: float
    height: float
    row: int
    number: int


class Route(Struct, frozen=True):
    """An edge from box to box; at every point but the ends it is vertical."""

    from_: str
    to: str
    names: tuple[str, ...]
    points: tuple[Point, ...]


class Frame(Struct, frozen=True):
    """What stands around the stages of one of several notebooks; `x`, `y` are its top
    left corner."""

    name: str
    x: float
    y: float
    width: float
    height: float


class Layout(Struct, frozen=True):
    width: float
    height: float
    boxes: tuple[Box, ...] = ()
    routes: tuple[Route, ...] = ()
    frames: tuple[Frame, ...] = ()


def layout(pipeline: Pipeline, *, columns: int = 8) -> Layout:
    """The picture of `pipeline` with at most `columns` stages side by side."""
    names = [stage.name for stage in pipeline.stages]
    groups = {
        notebook.name: [stage.name for stage in pipeline.beside(f"{notebook.name}.")]
        for notebook in pipeline.notebooks
    }
    pairs = [(edge.from_, edge.to) for edge in pipeline.edges]
    graph = layered(names, pairs, columns=columns, groups=list(groups.values()))
    rows = order_rows(graph)
    above, below = links(graph)
    widths = {vertex: _vertex_width(vertex) for row in rows for vertex in row}
    centres = place_rows(rows, above, below, widths, GAP)
    tops = _tops(graph, rows, centres)
    if groups:
        tops = _with_room(tops, rows, groups)
    boxes = _boxes(names, rows, centres, widths, tops)
    right = max(
        (centres[vertex] + widths[vertex] / 2 for vertex in centres), default=0.0
    )
    height = tops[-1] + NODE_HEIGHT if tops else 0.0
    width = round(right + 2 * MARGIN, 1)
    frames = _frames(groups, boxes, width)
    return Layout(
        width=width,
        height=round(height + (FRAME_FOOT if frames else 0.0) + MARGIN, 1),
        frames=frames,
        boxes=boxes,
        routes=_routes(
            pipeline, graph, centres, tops, {box.name: box.row for box in boxes}
        ),
    )


def text_width(text: str, size: float = 11.0) -> float:
    """A safe estimate in the widest of the system fonts, in pixels."""
    return len(text) * size * 0.62


def short_name(name: str, width: float, size: float = 11.0) -> str:
    """`name`, its middle left out where it does not fit: the end often tells siblings
    apart."""
    room = int(width / (size * 0.62))
    if len(name) <= room:
        return name
    tail = max(1, room // 3)
    return f"{name[: max(1, room - tail - 1)]}…{name[-tail:]}"


def _vertex_width(vertex: Vertex) -> float:
    if vertex.end:
        return WAYPOINT_WIDTH
    return round(
        min(WIDEST_NODE, max(NODE_WIDTH, NAME_START + text_width(vertex.name) + 6)), 1
    )


def _tops(
    graph: Layered, rows: Sequence[Sequence[Vertex]], centres: Mapping[Vertex, float]
) -> list[float]:
    """Rows stand the farther apart, the longer the way that an edge between them goes
    sideways."""
    reach = [0.0] * len(rows)
    row_of = {vertex: index for index, row in enumerate(rows) for vertex in row}
    for chain in graph.chains.values():
        for upper, lower in pairwise(chain):
            index = row_of[upper]
            reach[index] = max(reach[index], abs(centres[upper] - centres[lower]))
    tops = [MARGIN]
    for index in range(1, len(rows)):
        distance = min(FARTHEST_ROWS, NEAREST_ROWS + reach[index - 1] / 8)
        tops.append(round(tops[-1] + NODE_HEIGHT + distance, 1))
    return tops[: len(rows)]


def _with_room(
    tops: Sequence[float],
    rows: Sequence[Sequence[Vertex]],
    groups: Mapping[str, Sequence[str]],
) -> list[float]:
    """The same rows, with room above the first one of each group for the head of its
    frame."""
    home = {stage: name for name, stages in groups.items() for stage in stages}
    room, before = 0.0, ""
    moved = []
    for top, row in zip(tops, rows, strict=True):
        group = next((home[vertex.name] for vertex in row if not vertex.end), before)
        if group != before:
            room += FRAME_HEAD + (FRAME_FOOT if before else 0.0)
        before = group
        moved.append(round(top + room, 1))
    return moved


def _frames(
    groups: Mapping[str, Sequence[str]], boxes: Sequence[Box], width: float
) -> tuple[Frame, ...]:
    """From side to side of the picture, so that frames stand below one another like
    their notebooks."""
    frames = []
    for name, stages in groups.items():
        own = [box for box in boxes if box.name in stages]
        if own:
            top = min(box.y for box in own) - FRAME_HEAD
            bottom = max(box.y + box.height for box in own) + FRAME_FOOT
            frames.append(
                Frame(
                    name,
                    0.5,
                    round(top, 1),
                    round(width - 1, 1),
                    round(bottom - top, 1),
                )
            )
    return tuple(frames)


def _boxes(
    names: Sequence[str],
    rows: Sequence[Sequence[Vertex]],
    centres: Mapping[Vertex, float],
    widths: Mapping[Vertex, float],
    tops: Sequence[float],
) -> tuple[Box, ...]:
    row_of = {
        vertex.name: index
        for index, row in enumerate(rows)
        for vertex in row
        if not vertex.end
    }
    boxes = []
    for number, name in enumerate(names):
        vertex = Vertex(name)
        left = round(centres[vertex] - widths[vertex] / 2 + MARGIN, 1)
        row = row_of[name]
        boxes.append(
            Box(name, left, tops[row], widths[vertex], NODE_HEIGHT, row, number)
        )
    return tuple(boxes)


def _routes(
    pipeline: Pipeline,
    graph: Layered,
    centres: Mapping[Vertex, float],
    tops: Sequence[float],
    row_of: Mapping[str, int],
) -> tuple[Route, ...]:
    routes = []
    for edge in pipeline.edges:
        chain = graph.chains.get((edge.from_, edge.to))
        if chain is None:
            continue
        start, end = chain[0], chain[-1]
        points = [(centres[start] + MARGIN, tops[row_of[edge.from_]] + NODE_HEIGHT)]
        for point in chain[1:-1]:
            x = centres[point] + MARGIN
            points += [(x, tops[point.row]), (x, tops[point.row] + NODE_HEIGHT)]
        points.append((centres[end] + MARGIN, tops[row_of[edge.to]]))
        routes.append(Route(edge.from_, edge.to, edge.names, tuple(points)))
    return tuple(routes)
