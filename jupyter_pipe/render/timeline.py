"""When each stage ran, as one SVG: a row a stage, an axis of seconds. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from jupyter_pipe.render.layout.layout import short_name, text_width
from jupyter_pipe.render.marks import mark_svg
from jupyter_pipe.render.markup import escape
from jupyter_pipe.render.theme import Theme, stage_colour, style_sheet
from jupyter_pipe.render.words import seconds_text

__all__ = ["Bar", "to_timeline"]

ROW = 24.0
TOP = 22.0
# Seconds: what a clock's face has, and not 25 or 250.
STEPS = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    1200,
    1800,
    3600,
    7200,
    14400,
    43200,
    86400,
)


class Bar(Struct, frozen=True):
    """A stage that took `seconds` from `start`, seconds after the run began; None where
    it never started. `note` stands behind the bar, `number` is the stage's place in the
    notebook."""

    name: str
    state: str
    number: int
    start: float | None = None
    seconds: float = 0.0
    note: str = ""


def to_timeline(
    bars: Sequence[Bar], *, width: float = 600, theme: Theme = "auto"
) -> str:
    """The picture, self-contained, `width` pixels wide."""
    names = min(170.0, max((text_width(bar.name) for bar in bars), default=0.0)) + 26
    notes = (
        min(170.0, max((text_width(bar.note, 10.5) for bar in bars), default=0.0)) + 12
    )
    total = max(
        # A run of which nothing has begun still has an axis.
        [bar.start + bar.seconds for bar in bars if bar.start is not None] + [0.1]
    )
    scale = max(width - names - notes, 60.0) / total
    height = TOP + ROW * len(bars) + 4
    parts = _axis(total, scale, names, height)
    for row, bar in enumerate(bars):
        parts += _row(bar, TOP + ROW * row, names, scale)
    title = f"Timeline of {len(bars)} stages"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="jpipe" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" style="max-width:100%;height:auto" role="img" '
        f'aria-label="{title}"><title>{title}</title><style>{style_sheet(theme)}</style>{"".join(parts)}</svg>'
    )


def _axis(total: float, scale: float, left: float, height: float) -> list[str]:
    """Grid lines at round seconds, at most seven and not closer than 56 pixels."""
    step = next((s for s in STEPS if total / s <= 7 and s * scale >= 56), total)
    parts = []
    for number in range(int(total / step + 1e-9) + 1):
        x = left + number * step * scale
        parts.append(
            f'<path class="jpipe-axis" d="M{x:.1f} {TOP - 4:g}V{height - 4:g}"/>'
        )
        label = _tick(number * step, total)
        parts.append(
            f'<text class="jpipe-tick" x="{x:.1f}" y="11" text-anchor="middle">{label}</text>'
        )
    return parts


def _tick(seconds: float, total: float) -> str:
    """`20 s` on a short axis, `1:30` on one of minutes, `2:00 h` on one of hours."""
    if total < 60:
        return f"{seconds:g} s"
    if total < 3600:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
    return f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02} h"


def _row(bar: Bar, top: float, left: float, scale: float) -> list[str]:
    name = short_name(bar.name, left - 24)
    parts = [
        mark_svg(bar.state, size=14, x=0, y=top + 4),
        f'<text class="jpipe-name" x="20" y="{top + 15:g}">{escape(name)}</text>',
    ]
    end = left + 2
    if bar.start is not None:
        # At least two pixels, or short stages could not be seen.
        x, length = left + bar.start * scale, max(bar.seconds * scale, 2.0)
        faint = ' opacity=".5"' if bar.state == "cached" else ""
        took = f"{bar.name}, {seconds_text(bar.seconds)} from {seconds_text(bar.start)}"
        parts.append(
            f'<rect x="{x:.1f}" y="{top + 4.5:g}" width="{length:.1f}" height="13" rx="1" '
            f'fill="{stage_colour(bar.number)}"{faint}><title>{escape(took)}</title></rect>'
        )
        end = x + length
    parts.append(
        f'<text class="jpipe-tick" x="{end + 5:.1f}" y="{top + 15:g}">{escape(bar.note)}</text>'
    )
    return parts
