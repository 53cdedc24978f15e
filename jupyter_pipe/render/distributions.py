"""Small pictures of distributions: a histogram, or the shares of the most frequent
values. Pure.

One path a picture, so that a report of hundreds of columns stays small.
"""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_pipe.render.markup import escape

__all__ = ["bars_svg", "overlaid_svg"]

WIDTH, HEIGHT = 160, 28


def bars_svg(shares: Sequence[float], title: str, *, gap: float = 0.0) -> str:
    """Bars side by side, the tallest as high as the picture. `title` is read out and
    shown on hover; `gap` is the space between bars, which tells values apart that are
    no numbers."""
    return _svg(
        f'<path d="{_outline(shares, max(shares, default=0), gap)}" class="jpipe-bars"/>',
        title,
    )


def overlaid_svg(
    before: Sequence[float], after: Sequence[float], title: str, *, gap: float = 0.0
) -> str:
    """Two distributions over the same bins: the earlier one as an area, the later one
    as a line on it."""
    tallest = max([*before, *after], default=0)
    area = (
        f'<path d="{_outline(before, tallest, gap)}" class="jpipe-bars jpipe-before"/>'
    )
    line = f'<path d="{_outline(after, tallest, gap)}" class="jpipe-after"/>'
    return _svg(area + line, title)


def _outline(shares: Sequence[float], tallest: float, gap: float) -> str:
    """Up, along and down for each bar."""
    if not shares or tallest <= 0:
        return ""
    width = WIDTH / len(shares)
    parts = []
    for place, share in enumerate(shares):
        # A bar of a pixel says that there is something.
        top = HEIGHT - max(HEIGHT * share / tallest, 1.0 if share > 0 else 0.0)
        parts.append(
            f"M{place * width:.4g} {HEIGHT}V{top:.3g}h{width - gap:.4g}V{HEIGHT}z"
        )
    return "".join(parts)


def _svg(inside: str, title: str) -> str:
    return (
        f'<svg class="jpipe-distribution" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>{inside}</svg>'
    )
