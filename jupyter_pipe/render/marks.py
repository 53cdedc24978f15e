"""The marks that stand for states: shape first, then the word, colour last.

One table for the report, the SVG, the terminal and the HTML of runs in notebooks.
Shapes are drawn in a box of 16 by 16 with `currentColor`; `--jpipe-paper` is what shows
through a filled shape.
"""

from __future__ import annotations

from math import cos, pi, sin

from msgspec import Struct

from jupyter_pipe.events import FailureKind

__all__ = ["MARKS", "Mark", "mark_of", "mark_svg"]


class Mark(Struct, frozen=True):
    """`glyph` and `ascii` are the terminal's shapes, one column wide; `tone` names the
    colour."""

    state: str
    word: str
    tone: str
    shape: str
    glyph: str
    ascii: str


_OCTAGON = (
    '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" fill="currentColor" '
    'stroke="currentColor" stroke-linejoin="round"/>'
)
_RING = '<circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.4"/>'


def _inside(path: str) -> str:
    """A line on a filled shape, in the colour of the paper."""
    return (
        f'<path d="{path}" fill="none" stroke="var(--jpipe-paper)" stroke-width="1.9" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


_SHAPES = (
    Mark(
        "queued",
        "queued",
        "quiet",
        '<circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.4" '
        'stroke-dasharray="2.4 1.56"/>',
        "○",
        ".",
    ),
    Mark(
        "running",
        "running",
        "busy",
        '<path d="M6.6 5.2 11 8l-4.4 2.8z" fill="currentColor"/>',
        "▸",
        ">",
    ),
    Mark(
        "succeeded",
        "succeeded",
        "good",
        '<circle cx="8" cy="8" r="7" fill="currentColor"/>'
        + _inside("M4.9 8.3 7 10.4l4.2-4.6"),
        "✓",
        "+",
    ),
    Mark(
        "cached",
        "cached",
        "good",
        _RING
        + '<path d="M8.9 3.8 5.3 8.8h2.3L7 12.2l3.7-5.1H8.3z" fill="currentColor"/>',
        "↺",
        "=",
    ),
    Mark(
        "stale",
        "stale",
        "warn",
        '<path d="M8 1.6 14.4 8 8 14.4 1.6 8z" fill="none" stroke="currentColor" stroke-width="1.4" '
        'stroke-linejoin="round"/><circle cx="8" cy="8" r="1.7" fill="currentColor"/>',
        "◇",
        "~",
    ),
    Mark(
        "failed",
        "failed",
        "bad",
        _OCTAGON + _inside("M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"),
        "✗",
        "x",
    ),
    Mark(
        "gate_failed", "gate failed", "bad", _OCTAGON + _inside("M4.8 8h6.4"), "⊖", "!"
    ),
    Mark(
        "contract_failed",
        "contract broken",
        "bad",
        _OCTAGON + _inside("M5 6.2h6M5 9.8h6"),
        "⊜",
        "%",
    ),
    Mark(
        "waiting",
        "waiting for you",
        "warn",
        _RING
        + '<path d="M8 4.4v4.2" fill="none" stroke="currentColor" stroke-width="1.8" '
        'stroke-linecap="round"/><circle cx="8" cy="11.3" r="1.1" fill="currentColor"/>',
        "⊙",
        "?",
    ),
    Mark(
        "skipped",
        "skipped",
        "quiet",
        _RING
        + '<path d="M3.6 12.4 12.4 3.6" stroke="currentColor" stroke-width="1.4"/>',
        "⊘",
        "-",
    ),
    Mark(
        "cancelled",
        "cancelled",
        "quiet",
        '<rect x="2" y="2" width="12" height="12" rx="1.5" fill="none" stroke="currentColor" '
        'stroke-width="1.4"/><rect x="5.5" y="5.5" width="5" height="5" fill="currentColor"/>',
        "■",
        "#",
    ),
    Mark(
        "interrupted",
        "interrupted",
        "warn",
        _RING
        + '<path d="M6.3 5.2v5.6M9.7 5.2v5.6" stroke="currentColor" stroke-width="1.6"/>',
        "‖",
        "|",
    ),
)

_DEMANDS: dict[FailureKind | None, str] = {
    FailureKind.gate: "gate_failed",
    FailureKind.contract: "contract_failed",
    FailureKind.approval: "waiting",
}
MARKS = {mark.state: mark for mark in _SHAPES}


def mark_of(state: str, kind: FailureKind | None = None) -> Mark:
    """The mark of a stage's or run's state; a false gate, a broken contract, a question
    have their own."""
    return MARKS[_DEMANDS.get(kind, state) if state == "failed" else state]


def mark_svg(
    state: str, *, size: float = 16, x: float = 0, y: float = 0, done: float = 0.0
) -> str:
    """An `<svg>` of the mark for use inside or outside another one; `done` fills the
    running ring."""
    mark = MARKS[state]
    shape = mark.shape if state != "running" else _running_ring(done) + mark.shape
    return (
        f'<svg class="jpipe-mark jpipe-{mark.tone}" x="{x:g}" y="{y:g}" width="{size:g}" height="{size:g}" '
        f'viewBox="0 0 16 16" role="img" aria-label="{mark.word}">{shape}</svg>'
    )


def _running_ring(done: float) -> str:
    """The faint ring and the part of it that stands for the cells done."""
    track = '<circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.8" opacity=".3"/>'
    share = min(max(done, 0.08), 0.999)
    angle = 2 * pi * share
    x, y = 8 + 6.3 * sin(angle), 8 - 6.3 * cos(angle)
    arc = f"M8 1.7A6.3 6.3 0 {int(share > 0.5)} 1 {x:.2f} {y:.2f}"
    return (
        f'{track}<path d="{arc}" fill="none" stroke="currentColor" stroke-width="1.8"/>'
    )
