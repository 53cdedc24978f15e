"""A study told to people: a page with its table and pictures, without network or
script. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_pipe.render.marks import mark_svg
from jupyter_pipe.render.markup import Markup, tag
from jupyter_pipe.render.theme import style_sheet
from jupyter_pipe.render.words import count, seconds_text, value_text
from jupyter_pipe.sweeps.model import Dimension, Study, Trial, best_trial
from jupyter_pipe.sweeps.pictures import history_svg, parallel_svg

__all__ = ["MARKS_OF_TRIALS", "study_html"]

MARKS_OF_TRIALS = {
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "pruned": "skipped",
    "infeasible": "gate_failed",
}
# A page may be opened from anywhere: nothing in it runs, or is loaded from elsewhere.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_STYLE = """
body{margin:0;background:var(--jpipe-paper);font-size:13px;line-height:1.5}
main{max-width:1008px;margin:0 auto;padding:28px 24px}
h1{font-size:26px;font-weight:400}h2{font-size:17px;font-weight:400;margin-top:32px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{text-align:left;padding:3px 16px 3px 0;border-bottom:1px solid var(--jpipe-hair);font-weight:400}
tr.best td{font-weight:600}.quiet,th{color:var(--jpipe-quiet)}
"""


def study_html(
    study: Study, trials: Sequence[Trial], importances: Mapping[str, float]
) -> str:
    """The page: headline, history, parallel coordinates, what mattered, and every
    trial."""
    title = f"Study {study.name}"
    best = best_trial(study, tuple(trials))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("title", title),
        tag("style", Markup(style_sheet() + _STYLE)),
    )
    main = tag(
        "main",
        tag("h1", title),
        tag("p", _headline(study, trials, best)),
        tag("h2", "History"),
        Markup(history_svg(study, trials)),
        tag("h2", "Parameters and what came of them"),
        Markup(parallel_svg(study, trials)),
        _importances(importances),
        tag("h2", "Trials"),
        _table(study, trials, best),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', main, class_='jpipe'), lang='en')}\n"


def _headline(study: Study, trials: Sequence[Trial], best: Trial | None) -> str:
    states = [trial.state for trial in trials]
    others = [
        f"{states.count(state)} {state}"
        for state in MARKS_OF_TRIALS
        if state != "succeeded" and state in states
    ]
    counted = ", ".join([count(len(trials), "trial"), *others])
    if best is None:
        return f"{counted}. None has succeeded."
    values = ", ".join(
        f"{name} = {value_text(value)}" for name, value in best.values.items()
    )
    return f"{counted}. Best {study.metric}: {value_text(best.value)}, in trial {best.number} with {values}."


def _importances(importances: Mapping[str, float]) -> Markup | None:
    if not importances:
        return None
    rows = [
        tag(
            "tr",
            tag("td", tag("code", name)),
            tag("td", f"{share:.0%}"),
            tag("td", _bar(share)),
        )
        for name, share in importances.items()
    ]
    return tag("div", tag("h2", "What mattered"), tag("table", rows))


def _bar(share: float) -> Markup:
    width = max(2, round(300 * share))
    return Markup(
        f'<svg width="300" height="10"><rect width="{width}" height="10" fill="var(--jpipe-link)"/></svg>'
    )


def _table(study: Study, trials: Sequence[Trial], best: Trial | None) -> Markup:
    names = [dimension.name for dimension in study.space]
    heading = ["", "Trial", *names, study.metric, "Time", "Run", ""]
    rows = [
        _row(trial, names, is_best=best is not None and trial.number == best.number)
        for trial in trials
    ]
    return tag("table", tag("tr", [tag("th", name) for name in heading]), rows)


def _row(trial: Trial, names: Sequence[str], *, is_best: bool) -> Markup:
    """One trial: its mark, values, result, duration, run, and why it ended early."""
    values: list[Any] = [trial.values.get(name) for name in names]
    cells = [
        Markup(mark_svg(MARKS_OF_TRIALS[trial.state], size=14)),
        str(trial.number),
        *(value_text(value) for value in values),
        "" if trial.value is None else value_text(trial.value),
        seconds_text(trial.seconds) if trial.seconds else "",
        trial.run_id,
        f"{trial.state}: {trial.reason}" if trial.reason else "",
    ]
    return tag(
        "tr", [tag("td", cell) for cell in cells], class_="best" if is_best else None
    )


def dimension_text(dimension: Dimension) -> str:
    """As it would be typed."""
    if dimension.choices:
        return ",".join(map(str, dimension.choices))
    marks = (
        ":log"
        if dimension.log
        else f":step={dimension.step:g}"
        if dimension.step
        else ""
    )
    return f"{dimension.low:g}..{dimension.high:g}{marks}"
