"""Pictures of a study: the values in the order of the trials, and lines through its axes. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from jupyter_pipe.render.words import value_text
from jupyter_pipe.sweeps.model import Dimension, Study, Trial

__all__ = ["history_svg", "parallel_svg"]

_WIDTH, _HEIGHT, _LEFT, _TOP = 960, 220, 90, 24


def history_svg(study: Study, trials: Sequence[Trial]) -> str:
    """A dot for each trial that has a value, and the best so far as a line."""
    known = [trial for trial in trials if trial.value is not None]
    if not known:
        return _svg("", "No trial has a value yet.")
    low, high = _ends([trial.value or 0.0 for trial in known])
    last = max(trial.number for trial in known)
    dots, line = [], []
    best: float | None = None
    for trial in known:
        value = trial.value or 0.0
        x, y = _along(trial.number, 0, max(last, 1)), _down(value, low, high)
        is_good = trial.state == "succeeded"
        colour = "var(--jpipe-link)" if is_good else "var(--jpipe-quiet)"
        title = f"<title>trial {trial.number}: {value_text(value)}</title>"
        dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}">{title}</circle>')
        if is_good and (best is None or (value < best) == (study.direction == "minimize")):
            best = value
        if best is not None:
            line.append(f"{x:.1f},{_down(best, low, high):.1f}")
    path = f'<polyline points="{" ".join(line)}" fill="none" stroke="var(--jpipe-good)" stroke-width="1.5"/>'
    return _svg(path + "".join(dots) + _scale(low, high), f"{study.metric} of each trial")


def parallel_svg(study: Study, trials: Sequence[Trial]) -> str:
    """An axis for each parameter and one for the metric; each trial is a line, the better the darker."""
    known = [trial for trial in trials if trial.value is not None]
    axes = len(study.space) + 1
    if not known or axes < 2:
        return _svg("", "No trial has a value yet.")
    low, high = _ends([trial.value or 0.0 for trial in known])
    parts = []
    for trial in known:
        goodness = _share(trial.value or 0.0, low, high)
        goodness = 1 - goodness if study.direction == "minimize" else goodness
        shares = [
            *(_place(each, trial.values.get(each.name)) for each in study.space),
            _share(trial.value or 0.0, low, high),
        ]
        points = " ".join(f"{_axis(place, axes):.1f},{_at(share):.1f}" for place, share in enumerate(shares))
        opacity = 0.15 + 0.75 * goodness**2
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="var(--jpipe-link)" opacity="{opacity:.2f}" '
            f'stroke-width="1.5"><title>trial {trial.number}: {value_text(trial.value)}</title></polyline>'
        )
    names = [*(each.name for each in study.space), study.metric]
    parts += [_axis_svg(_axis(place, axes), name) for place, name in enumerate(names)]
    return _svg("".join(parts), "parameters of each trial, and its value")


def _axis_svg(x: float, name: str) -> str:
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT}" stroke="var(--jpipe-edge)"/>'
    return f'{line}<text x="{x:.1f}" y="14" text-anchor="middle" class="jpipe-name">{escape(name)}</text>'


def _place(dimension: Dimension, value: object) -> float:
    """Where on its axis a value stands, 0 to 1."""
    if dimension.choices:
        found = dimension.choices.index(value) if value in dimension.choices else 0
        return found / max(1, len(dimension.choices) - 1)
    number = float(value) if isinstance(value, int | float) else dimension.low
    if dimension.log:
        return _share(math.log(number), math.log(dimension.low), math.log(dimension.high))
    return _share(number, dimension.low, dimension.high)


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _along(place: float, first: float, last: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - 20) * _share(place, first, last)


def _axis(place: int, axes: int) -> float:
    return _LEFT + (_WIDTH - 2 * _LEFT) * place / (axes - 1)


def _at(share: float) -> float:
    return _HEIGHT - (_HEIGHT - _TOP) * share


def _down(value: float, low: float, high: float) -> float:
    return _at(_share(value, low, high))


def _scale(low: float, high: float) -> str:
    ends = ((low, _at(0.0)), (high, _at(1.0)))
    start = f'<text x="{_LEFT - 12}" text-anchor="end" class="jpipe-tick"'
    return "".join(f'{start} y="{y + 4:.1f}">{value_text(value)}</text>' for value, y in ends)


def _svg(inside: str, title: str) -> str:
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT + 12}" viewBox="0 0 {_WIDTH} {_HEIGHT + 12}" role="img" '
        f'style="max-width:100%;height:auto"><title>{escape(title)}</title>{inside}</svg>'
    )
