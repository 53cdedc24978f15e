"""A pipeline as one SVG: boxes with stripe, mark and name, curved edges, names of
values.

Needs no Graphviz and no script. Every name is escaped, so that a hostile notebook draws
text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from jupyter_pipe.model import Pipeline
from jupyter_pipe.render.layout.labels import Label, place_labels
from jupyter_pipe.render.layout.layout import (
    NAME_START,
    Box,
    Frame,
    Layout,
    Point,
    Route,
    layout,
    short_name,
)
from jupyter_pipe.render.marks import mark_svg
from jupyter_pipe.render.markup import escape
from jupyter_pipe.render.theme import Theme, stripe_svg, style_sheet

__all__ = ["to_svg"]

HAS_VALUES = frozenset({"succeeded", "cached"})
WAITING, PLAIN, FEEDING = (
    "jpipe-edge jpipe-waiting",
    "jpipe-edge",
    "jpipe-edge jpipe-feeding",
)
# From the least lively to the liveliest.
LOOKS = ("", WAITING, PLAIN, FEEDING)


def to_svg(
    pipeline: Pipeline,
    states: Mapping[str, str] | None = None,
    *,
    theme: Theme = "auto",
    drawing: Layout | None = None,
    progress: Mapping[str, float] | None = None,
    linked: bool = False,
) -> str:
    """The picture, self-contained.

    `states` maps stages to the states of `marks` (none: no marks), `progress` running
    ones to the share of cells done; `drawing` is a layout other than the usual one;
    `linked` makes each box a link to `#stage-NAME`.
    """
    drawing = drawing or layout(pipeline)
    states = states or {}
    parts = [_frame(frame) for frame in drawing.frames]
    parts += _edges(drawing.routes, states)
    parts += [_label(label) for label in place_labels(drawing)]
    parts += [
        _box(
            box,
            states.get(box.name),
            (progress or {}).get(box.name, 0.0),
            shown=box.name.partition(".")[2] if drawing.frames else box.name,
            linked=linked,
        )
        for box in drawing.boxes
    ]
    # The parts of an image are hidden from screen readers: links in one could not be
    # followed.
    return _document(pipeline, drawing, parts, theme, role="group" if linked else "img")


def _document(
    pipeline: Pipeline, drawing: Layout, parts: list[str], theme: Theme, role: str
) -> str:
    width, height = max(drawing.width, 1), max(drawing.height, 1)
    title = escape(f"Pipeline {pipeline.name}, {len(pipeline.stages)} stages")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" class="jpipe" '
        f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
        f'style="max-width:100%;height:auto" role="{role}" aria-label="{title}"><title>{title}</title>'
        f"<style>{style_sheet(theme)}</style>{''.join(parts)}</svg>"
    )


def _edges(routes: Sequence[Route], states: Mapping[str, str]) -> list[str]:
    """Each piece of line once, however many edges share it; the liveliest of them
    decides its look."""
    looks: dict[tuple[Point, Point], str] = {}
    titles: dict[tuple[Point, Point], list[str]] = defaultdict(list)
    for route in routes:
        look = _look(route, states)
        for piece in pairwise(route.points):
            looks[piece] = max(look, looks.get(piece, ""), key=LOOKS.index)
            titles[piece].append(_title(route))
    return [
        f'<path class="{look}" d="{_curve(*piece)}"><title>{escape(_shortened(titles[piece]))}</title></path>'
        for piece, look in looks.items()
    ]


def _look(route: Route, states: Mapping[str, str]) -> str:
    if states.get(route.to) == "running":
        return FEEDING
    # A picture without states shows what is, and not what waits.
    has_values = not states or states.get(route.from_) in HAS_VALUES
    return PLAIN if has_values else WAITING


def _title(route: Route) -> str:
    names = f": {', '.join(route.names)}" if route.names else " (order only)"
    return f"{route.from_} to {route.to}{names}"


def _shortened(titles: Sequence[str]) -> str:
    more = [f"and {len(titles) - 6} more"] if len(titles) > 6 else []
    return "\n".join([*titles[:6], *more])


def _curve(start: Point, end: Point) -> str:
    """A cubic curve with vertical tangents, straight where one point stands above the
    other."""
    (x, y), (next_x, next_y) = start, end
    # Half a pixel: a curve would be drawn as a line all the same.
    if abs(next_x - x) < 0.5:
        return f"M{x:g} {y:g}L{next_x:g} {next_y:g}"
    middle = (y + next_y) / 2
    return f"M{x:g} {y:g}C{x:g} {middle:g} {next_x:g} {middle:g} {next_x:g} {next_y:g}"


def _label(label: Label) -> str:
    """The text on a ground of its own, so that no line shows between its words."""
    return (
        f'<rect class="jpipe-ground" x="{label.x - 1:.1f}" y="{label.y - 8.5:.1f}" '
        f'width="{label.width + 2:.1f}" height="11"/>'
        f'<text class="jpipe-value" x="{label.x:.1f}" y="{label.y:.1f}">{escape(label.text)}</text>'
    )


def _frame(frame: Frame) -> str:
    """Drawn below all else; edges between notebooks pass over its sides."""
    name = escape(frame.name)
    return (
        f'<g><title>{name}</title><rect class="jpipe-frame" x="{frame.x:g}" y="{frame.y:g}" '
        f'width="{frame.width:g}" height="{frame.height:g}" rx="4"/>'
        f'<text class="jpipe-notebook" x="{frame.x + 6:g}" y="{frame.y + 13:g}">{name}</text></g>'
    )


def _box(box: Box, state: str | None, done: float, *, shown: str, linked: bool) -> str:
    # Without a mark the name begins where the mark would be.
    start = NAME_START if state else NAME_START - 15
    name = short_name(shown, box.width - start - 3)
    words = f"{state.replace('_', ' ')}, {box.name}" if state else box.name
    mark = (
        mark_svg(state, size=13, x=box.x + 9, y=box.y + 3.5, done=done) if state else ""
    )
    body = (
        f'<g><title>{escape(words)}</title><rect class="jpipe-box" x="{box.x:g}" y="{box.y + 0.5:g}" '
        f'width="{box.width:g}" height="{box.height - 1:g}" rx="2"/>'
        f"{stripe_svg(box.number, box.x, box.y, box.height)}{mark}"
        f'<text class="jpipe-name" x="{box.x + start:g}" y="{box.y + 14:g}">{escape(name)}</text></g>'
    )
    return f'<a href="#stage-{escape(box.name)}">{body}</a>' if linked else body
