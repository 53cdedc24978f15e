"""What a notebook shows for a `Run`: the picture of the DAG with states, and the run's
table."""

from __future__ import annotations

from jupyter_pipe.model import PIPELINE_VERSION, Edge, Pipeline, Source, Stage
from jupyter_pipe.render.marks import mark_svg
from jupyter_pipe.render.markup import Markup, joined, tag
from jupyter_pipe.render.svg import to_svg
from jupyter_pipe.render.theme import style_sheet
from jupyter_pipe.render.words import seconds_text, value_text
from jupyter_pipe.runs.model import Run, StageRun
from jupyter_pipe.runs.report.words import (
    failure_text,
    gate_text,
    run_headline,
    stage_mark,
    stage_note,
    stage_state,
)

__all__ = ["run_html"]


def run_html(run: Run) -> str:
    """A fragment with its own style; everything of the user's is escaped."""
    states = {stage.name: stage_state(stage) for stage in run.stages}
    return tag(
        "div",
        tag("style", Markup(style_sheet())),
        tag(
            "div",
            Markup(mark_svg(run.state.value)),
            " ",
            tag("b", run.pipeline),
            f" {run_headline(run)}",
        ),
        Markup(to_svg(_sketch(run), states)) if run.stages else None,
        _table(run),
        _measurements(run),
        class_="jpipe",
    )


def _sketch(run: Run) -> Pipeline:
    """As much of the pipeline as the run itself tells: which stage waited for which."""
    return Pipeline(
        version=PIPELINE_VERSION,
        name=run.pipeline,
        kernel="",
        source=Source("", ""),
        stages=tuple(Stage(stage.name, (), "", "") for stage in run.stages),
        edges=tuple(
            Edge(before, stage.name) for stage in run.stages for before in stage.after
        ),
    )


def _table(run: Run) -> Markup:
    names = ("Stage", "State", "Time", "")
    head = tag("tr", [tag("th", name) for name in names])
    return tag(
        "table", head, [_row(stage) for stage in run.stages], class_="jpipe-table"
    )


def _row(stage: StageRun) -> Markup:
    mark = stage_mark(stage)
    note = failure_text(stage.failure) if stage.failure else stage_note(stage)
    cells = (
        joined(Markup(mark_svg(mark.state, size=13)), " ", stage.name),
        mark.word,
        seconds_text(stage.seconds) if stage.seconds else "",
        note,
    )
    return tag("tr", [tag("td", cell) for cell in cells])


def _measurements(run: Run) -> Markup | None:
    """A table of metrics, then of gates with their verdicts; None if there are
    neither."""
    rows = [(name, value_text(value)) for name, value in run.metrics.items()]
    gates = []
    for stage in run.stages:
        for gate in stage.gates:
            verdict = "passed" if gate.passed else "failed"
            gates.append((gate_text(gate), verdict))
    if not rows and not gates:
        return None
    body = [
        tag("tr", tag("td", name), tag("td", value)) for name, value in [*rows, *gates]
    ]
    return tag("table", body, class_="jpipe-table")
