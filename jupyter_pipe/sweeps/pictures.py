"""Pictures of a study: the values in the order of the trials, and lines through its
axes. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from jupyter_pipe.render.words import value_text
from jupyter_pipe.sweeps.model import Dimension, Study, Trial

__all__ = ["history_svg", "parallel_svg"]

_WIDTH, _HEIGHT, _LEFT, _TOP = 960, 220, 90, 24


def history_svg(study: Study, trials: Sequence[Trial]) -> str:
    """A dot for each trial that has a value, and the best so far as a line."""
    known = _known(trials)
    if not known:
        return _svg("", "No trial has a value yet.")
    low, high = _ends(list(known.values()))
    last = max(1, *(trial.number for trial in trials))
    dots = [
        _dot(
            trial, _along(trial.number, 0, last), _down(known[trial.number], low, high)
        )
        for trial in trials
        if trial.number in known
    ]
    line = [
        f"{_along(number, 0, last):.1f},{_down(best, low, high):.1f}"
        for number, best in _bests(study, trials)
    ]
    path = f'<polyline points="{" ".join(line)}" fill="none" stroke="var(--jpipe-good)" stroke-width="1.5"/>'
    return _svg(
        path + "".join(dots) + _scale(low, high), f"{study.metric} of each trial"
    )


def _known(trials: Sequence[Trial]) -> dict[int, float]:
    """Number -> value of the trials that have one."""
    return {trial.number: trial.value for trial in trials if trial.value is not None}


def _bests(study: Study, trials: Sequence[Trial]) -> Iterator[tuple[int, float]]:
    """After each trial that succeeded the best value so far."""
    choose = min if study.direction == "minimize" else max
    best: float | None = None
    for trial in trials:
        if trial.state == "succeeded" and trial.value is not None:
            best = trial.value if best is None else choose(best, trial.value)
            yield trial.number, best


def _dot(trial: Trial, x: float, y: float) -> str:
    colour = "var(--jpipe-link)" if trial.state == "succeeded" else "var(--jpipe-quiet)"
    title = f"<title>trial {trial.number}: {value_text(trial.value)}</title>"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}">{title}</circle>'


def parallel_svg(study: Study, trials: Sequence[Trial]) -> str:
    """An axis for each parameter and one for the metric; each trial is a line, the
    better the darker."""
    known = _known(trials)
    if not known or not study.space:
        return _svg("", "No trial has a value yet.")
    low, high = _ends(list(known.values()))
    lines = [
        _line(study, trial, _share(known[trial.number], low, high))
        for trial in trials
        if trial.number in known
    ]
    names = [*(each.name for each in study.space), study.metric]
    axes = [
        _axis_svg(_axis(place, len(names)), name) for place, name in enumerate(names)
    ]
    return _svg("".join([*lines, *axes]), "parameters of each trial, and its value")


def _line(study: Study, trial: Trial, share: float) -> str:
    """`share` is where the trial's value stands among all of them, 0 to 1."""
    shares = [
        *(_place(each, trial.values.get(each.name)) for each in study.space),
        share,
    ]
    points = " ".join(
        f"{_axis(place, len(shares)):.1f},{_at(each):.1f}"
        for place, each in enumerate(shares)
    )
    # Squared below, so that the best few stand out.
    goodness = 1 - share if study.direction == "minimize" else share
    title = f"<title>trial {trial.number}: {value_text(trial.value)}</title>"
    return (
        f'<polyline points="{points}" fill="none" stroke="var(--jpipe-link)" stroke-width="1.5" '
        f'opacity="{0.15 + 0.75 * goodness**2:.2f}">{title}</polyline>'
    )


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
        return _share(
            math.log(number), math.log(dimension.low), math.log(dimension.high)
        )
    return _share(number, dimension.low, dimension.high)


def _share(value: float, low: float, high: float) -> float:
    # Where all values are the same, they stand in the middle.
    return (value - low) / (high - low) if high > low else 0.5


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _along(place: float, first: float, last: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - 20) * _share(place, first, last)


def _axis(place: int, axes: int) -> float:
    # Never 0: there is an axis for the metric and at least one for a parameter.
    return _LEFT + (_WIDTH - 2 * _LEFT) * place / (axes - 1)


def _at(share: float) -> float:
    return _HEIGHT - (_HEIGHT - _TOP) * share


def _down(value: float, low: float, high: float) -> float:
    return _at(_share(value, low, high))


def _scale(low: float, high: float) -> str:
    ends = ((low, _at(0.0)), (high, _at(1.0)))
    start = f'<text x="{_LEFT - 12}" text-anchor="end" class="jpipe-tick"'
    return "".join(
        f'{start} y="{y + 4:.1f}">{value_text(value)}</text>' for value, y in ends
    )


def _svg(inside: str, title: str) -> str:
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT + 12}" viewBox="0 0 {_WIDTH} {_HEIGHT + 12}" role="img" '
        f'style="max-width:100%;height:auto"><title>{escape(title)}</title>{inside}</svg>'
    )
