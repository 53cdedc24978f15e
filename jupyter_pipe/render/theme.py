"""Colours: the eight of stages, and the style sheet that every picture of ours shares.

In JupyterLab the pictures take the theme's own variables; elsewhere they follow
`prefers-color-scheme`; printed, they are dark on white.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["STAGE_COLOURS", "Theme", "stage_colour", "stripe_svg", "style_sheet"]

Theme = Literal["auto", "light", "dark"]

# From the ninth stage on they begin again, with another stripe (`stripe_svg`).
STAGE_COLOURS = (
    "#4b96b8",
    "#327957",
    "#937cf1",
    "#91922f",
    "#d9668e",
    "#a05b11",
    "#865d8f",
    "#2c6acf",
)

# Name of ours -> the variable of JupyterLab's themes, and the colour elsewhere.
_LIGHT = {
    "ink": ("ui-font-color1", "#212121"),
    "quiet": ("ui-font-color2", "#6b6b6b"),
    "paper": ("layout-color0", "#ffffff"),
    "box": ("layout-color0", "#ffffff"),
    "line": ("border-color1", "#bdbdbd"),
    "hair": ("border-color2", "#e0e0e0"),
    "edge": ("ui-font-color2", "#757575"),
    "good": ("success-color1", "#388e3c"),
    "bad": ("error-color1", "#d32f2f"),
    "warn": ("warn-color0", "#e65100"),
    "busy": ("brand-color1", "#1976d2"),
    "link": ("content-link-color", "#0d47a1"),
    "code": ("cell-editor-background", "#f5f5f5"),
}
_DARK = {
    "ink": "#e0e0e0",
    "quiet": "#9e9e9e",
    "paper": "#111111",
    "box": "#212121",
    "line": "#616161",
    "hair": "#424242",
    "edge": "#9e9e9e",
    "good": "#4caf50",
    "bad": "#f44336",
    "warn": "#f57c00",
    "busy": "#2196f3",
    "link": "#64b5f6",
    "code": "#212121",
}

_RULES = """
.jpipe{color:var(--jpipe-ink);font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.jpipe-quiet{color:var(--jpipe-quiet)}.jpipe-good{color:var(--jpipe-good)}.jpipe-bad{color:var(--jpipe-bad)}
.jpipe-warn{color:var(--jpipe-warn)}.jpipe-busy{color:var(--jpipe-busy)}
.jpipe-box{fill:var(--jpipe-box);stroke:var(--jpipe-line)}
.jpipe-name{font-size:11px;fill:var(--jpipe-ink)}
.jpipe-frame{fill:none;stroke:var(--jpipe-hair)}.jpipe-notebook{font-size:10.5px;fill:var(--jpipe-quiet)}
.jpipe-value{font:10px ui-monospace,"DejaVu Sans Mono",monospace;fill:var(--jpipe-quiet)}
.jpipe-ground{fill:var(--jpipe-paper)}.jpipe-mark{vertical-align:-.15em}
.jpipe-edge{fill:none;stroke:var(--jpipe-edge);stroke-width:1}
.jpipe-edge.jpipe-waiting{stroke-dasharray:3 3}.jpipe-edge.jpipe-feeding{stroke:var(--jpipe-busy)}
.jpipe-table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;margin-top:8px}
.jpipe-table :is(td,th){text-align:left;padding:2px 16px 2px 0;background:none}
.jpipe-axis{stroke:var(--jpipe-hair)}.jpipe-tick{font-size:10.5px;fill:var(--jpipe-quiet)}
"""


def stage_colour(number: int) -> str:
    """The colour of the stage in place `number`, counted from 0."""
    return STAGE_COLOURS[number % len(STAGE_COLOURS)]


def stripe_svg(number: int, x: float, y: float, height: float) -> str:
    """The bar of a stage: solid for the first eight colours, double and dashed for the
    next."""
    colour = stage_colour(number)
    kind = number // len(STAGE_COLOURS) % 3
    if kind == 1:
        return "".join(
            f'<rect x="{left:g}" y="{y:g}" width="1.4" height="{height:g}" fill="{colour}"/>'
            for left in (x, x + 2.6)
        )
    dashes = f' stroke-dasharray="{height / 5:g}"' if kind == 2 else ""
    return f'<path d="M{x + 2:g} {y:g}v{height:g}" stroke="{colour}" stroke-width="4" fill="none"{dashes}/>'


def style_sheet(theme: Theme = "auto") -> str:
    """The rules for everything with class `jpipe`; safe to repeat in one page."""
    light = "".join(
        f"--jpipe-{name}:var(--jp-{jp},{colour});"
        for name, (jp, colour) in _LIGHT.items()
    )
    dark = "".join(
        f"--jpipe-{name}:var(--jp-{_LIGHT[name][0]},{colour});"
        for name, colour in _DARK.items()
    )
    plain_dark = "".join(f"--jpipe-{name}:{colour};" for name, colour in _DARK.items())
    plain_light = "".join(
        f"--jpipe-{name}:{colour};" for name, (_, colour) in _LIGHT.items()
    )
    if theme == "dark":
        return f".jpipe{{{plain_dark}}}{_RULES}"
    if theme == "light":
        return f".jpipe{{{plain_light}}}{_RULES}"
    return (
        f".jpipe{{{light}}}@media (prefers-color-scheme:dark){{.jpipe{{{dark}}}}}"
        f"@media print{{.jpipe{{{plain_light}}}}}{_RULES}"
    )
