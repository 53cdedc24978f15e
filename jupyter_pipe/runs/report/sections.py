"""The report's sections: pictures, what was measured and given, stages with their
cells, environment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from jupyter_pipe.events import GateEvaluated, StageState
from jupyter_pipe.model import Pipeline, Stage
from jupyter_pipe.render.layout.layout import Layout, layout
from jupyter_pipe.render.marks import mark_svg
from jupyter_pipe.render.markup import Markup, joined, tag
from jupyter_pipe.render.svg import to_svg
from jupyter_pipe.render.theme import stage_colour, stripe_svg
from jupyter_pipe.render.timeline import Bar, to_timeline
from jupyter_pipe.render.words import bytes_text, count, seconds_text, value_text
from jupyter_pipe.runs.model import ParameterValue, Run, StageRun
from jupyter_pipe.runs.report.cells import stage_fragment
from jupyter_pipe.runs.report.words import (
    gate_text,
    stage_mark,
    stage_note,
    stage_state,
)
from jupyter_pipe.runs.store import RunFolder

__all__ = ["environment", "measurements", "pictures", "stages"]

COLUMN = 1008.0
BESIDE = 440.0
LARGEST_PICTURE = 200
SHOWN_DISTRIBUTIONS = 6
MANY = 150


def pictures(run: Run, pipeline: Pipeline) -> Markup:
    """The DAG and the timeline, side by side if the DAG is narrow."""
    if len(pipeline.stages) > LARGEST_PICTURE:
        graph = tag(
            "p",
            f"{count(len(pipeline.stages), 'stage')} are too many for a picture.",
            class_="quiet",
        )
        width = COLUMN
    else:
        drawing = _fitting(pipeline)
        graph, width = _graph(run, pipeline, drawing), drawing.width
    beside = width <= BESIDE
    timeline = to_timeline(_bars(run), width=COLUMN - width - 48 if beside else COLUMN)
    return tag(
        "div",
        tag(
            "section",
            tag("h2", "Stages", id="stages"),
            tag("div", graph, class_="picture"),
        ),
        tag(
            "section",
            tag("h2", "Timeline", id="timeline"),
            tag("div", Markup(timeline), class_="picture"),
        ),
        class_="columns" if beside else None,
    )


def _graph(run: Run, pipeline: Pipeline, drawing: Layout) -> Markup:
    states = {stage.name: stage_state(stage) for stage in run.stages}
    progress = {stage.name: _done(stage) for stage in run.stages}
    return Markup(
        to_svg(pipeline, states, drawing=drawing, progress=progress, linked=True)
    )


def _fitting(pipeline: Pipeline) -> Layout:
    """The picture with the most stages side by side that needs no shrinking.

    One of hundreds of stages is shrunk in any case: it is laid out once, about as wide
    as high.
    """
    if len(pipeline.stages) > MANY:
        return layout(pipeline, columns=math.isqrt(len(pipeline.stages)))
    drawings = (layout(pipeline, columns=columns) for columns in (8, 7, 6))
    fitting = next((drawing for drawing in drawings if drawing.width <= COLUMN), None)
    return fitting or layout(pipeline, columns=5)


def _done(stage: StageRun) -> float:
    return stage.cells_done / stage.cells_total if stage.cells_total else 0.0


def _bars(run: Run) -> list[Bar]:
    """Bars of the timeline, in seconds since the run began; a cached stage stands where
    it was found."""
    zero = run.started or run.queued
    bars = []
    for number, stage in enumerate(run.stages):
        started = stage.started if stage.started is not None else None
        if stage.state is StageState.cached:
            started = stage.finished
        note = seconds_text(stage.seconds) if stage.seconds else stage_mark(stage).word
        if stage.state is StageState.cached:
            note = (
                f"cached, saves {seconds_text(stage.saved_seconds)}"
                if stage.saved_seconds
                else "cached"
            )
        start = None if started is None else max(0.0, started - zero)
        bars.append(
            Bar(stage.name, stage_state(stage), number, start, stage.seconds, note)
        )
    return bars


def measurements(run: Run) -> Markup:
    """Metrics with their gates, and parameters with where they came from."""
    return tag(
        "div",
        tag("section", tag("h2", "Metrics and gates", id="metrics"), _metrics(run)),
        tag(
            "section",
            tag("h2", "Parameters", id="parameters"),
            _parameters(run.facts.parameters),
        ),
        class_="columns halves",
    )


def _metrics(run: Run) -> Markup:
    """Metrics beside the gates that read them, then gates that read none."""
    rows = []
    shown: set[str] = set()
    for stage in run.stages:
        for name, value in stage.metrics.items():
            gates = [gate for gate in stage.gates if name in gate.values]
            shown |= {gate.expression for gate in gates}
            rows.append(
                [
                    tag("code", name),
                    tag("b", value_text(value)),
                    stage.name,
                    _gates(gates),
                ]
            )
        others = [gate for gate in stage.gates if gate.expression not in shown]
        rows += [["", "", stage.name, _gates([gate])] for gate in others]
    if not rows:
        return tag("p", "No metrics. Tag a cell with metric:NAME.", class_="quiet")
    return _table(["Metric", "Value", "Stage", "Gate"], rows)


def _gates(gates: list[GateEvaluated]) -> Markup:
    if not gates:
        return tag("span", "no gate", class_="quiet")
    return joined([tag("div", _gate(gate)) for gate in gates])


def _gate(gate: GateEvaluated) -> Markup:
    mark = Markup(mark_svg("succeeded" if gate.passed else "gate_failed", size=12))
    said = (
        f" passed: {gate.expression}" if gate.passed else f" failed: {gate_text(gate)}"
    )
    return joined(mark, said)


def _parameters(parameters: tuple[ParameterValue, ...]) -> Markup:
    if not parameters:
        return tag("p", "No parameters. Tag a cell with parameters.", class_="quiet")
    rows = [
        [tag("code", each.name), _parameter_value(each), _origin(each)]
        for each in parameters
    ]
    return _table(["Parameter", "Value", "From"], rows)


def _parameter_value(parameter: ParameterValue) -> Markup:
    return tag("b" if parameter.changed else "span", parameter.literal)


def _origin(parameter: ParameterValue) -> Markup:
    if not parameter.changed:
        return tag("span", parameter.origin, class_="quiet")
    return tag("span", f"{parameter.origin}, notebook has {parameter.default}")


def stages(run: Run, pipeline: Pipeline, folder: RunFolder) -> Markup:
    """Every stage's executed cells, folded; failed ones are open."""
    known = {stage.name: stage for stage in pipeline.stages}
    listed = [
        _stage(number, stage, known.get(stage.name), folder)
        for number, stage in enumerate(run.stages)
    ]
    return tag(
        "section",
        tag("h2", "Outputs", id="outputs"),
        tag("div", listed, class_="stages"),
    )


def _stage(
    number: int, stage: StageRun, compiled: Stage | None, folder: RunFolder
) -> Markup:
    mark = stage_mark(stage)
    stripe = Markup(f'<svg width="6" height="14">{stripe_svg(number, 1, 0, 14)}</svg>')
    summary = tag(
        "summary",
        stripe,
        tag("span", stage.name, class_="name", title=stage.name),
        tag("span", Markup(mark_svg(mark.state, size=14)), mark.word, class_="state"),
        tag("span", _about(stage), class_="about quiet"),
    )
    cells = stage_fragment(folder, stage.name, stage.cached_from)
    inside = tag(
        "div",
        _flow(stage, compiled),
        cells or tag("div", "It did not run.", class_="quiet"),
        class_="inside",
        style=f"border-color:{stage_colour(number)}",
    )
    is_open = stage.state is StageState.failed
    return tag(
        "details",
        summary,
        inside,
        class_="stage",
        id=f"stage-{stage.name}",
        open=is_open,
    )


def _about(stage: StageRun) -> str:
    """Facts beside a stage's heading: cells, time, attempts above one, a note,
    metrics."""
    metrics = [f"{name} {value_text(value)}" for name, value in stage.metrics.items()]
    note = (
        ", ".join(stage.contacts)
        if stage.state is StageState.succeeded
        else stage_note(stage)
    )
    parts = [
        count(stage.cells_total, "cell") if stage.cells_total else "",
        seconds_text(stage.seconds) if stage.seconds else "",
        count(stage.attempts, "attempt") if stage.attempts > 1 else "",
        note,
        *metrics,
    ]
    return " · ".join(part for part in parts if part)


def _flow(stage: StageRun, compiled: Stage | None) -> Markup | None:
    """What came in and what went out, with type and size where known."""
    summaries = {
        name: text
        for written in stage.artifacts
        for name, text in written.summary.items()
    }
    incoming = [each.name for each in compiled.inputs] if compiled else []
    outgoing = list(compiled.outputs) if compiled else []
    if not incoming and not outgoing:
        return None
    size = sum(written.bytes for written in stage.artifacts)
    return tag(
        "div",
        _chips("In", [_chip(name, None) for name in incoming]),
        _chips("Out", [_chip(name, summaries.get(name)) for name in outgoing]),
        tag("span", bytes_text(size)) if size else None,
        class_="flow",
    )


def _chips(way: str, chips: list[Markup]) -> list[Any] | None:
    """What goes one way, under its word; nothing at all if nothing does."""
    if not chips:
        return None
    return [tag("span", way, class_="way"), chips]


def _chip(name: str, summary: str | None) -> Markup:
    return tag("span", name, class_="chip", title=summary)


def environment(run: Run) -> Markup:
    """Where and from what the run was made."""
    known = run.facts.provenance
    rows = [
        ("Python", _python(known)),
        ("Host", _host(known)),
        ("Git", _git(known.get("git") or {})),
        ("Distributions", _distributions(known.get("distributions") or {})),
        (
            "Command",
            tag("code", " ".join(run.facts.command)) if run.facts.command else "",
        ),
        *(("Notebook", path) for path in run.facts.paths),
        ("Run", tag("code", run.run_id)),
        ("Engine", _engine(run)),
        ("Resumes", tag("code", run.resumed_from) if run.resumed_from else ""),
    ]
    body = [
        tag("tr", tag("td", name), tag("td", value)) for name, value in rows if value
    ]
    table = tag("table", body, class_="facts-table environment")
    return tag("section", tag("h2", "Environment", id="environment"), table)


def _engine(run: Run) -> Markup | str:
    # A record may come from anywhere: an address that runs code is none.
    if run.page.startswith(("http://", "https://")):
        return tag("a", run.engine, href=run.page)
    return run.engine


def _python(known: Mapping[str, Any]) -> str:
    return ", ".join(
        str(known[key])
        for key in ("python", "implementation", "platform")
        if known.get(key)
    )


def _host(known: Mapping[str, Any]) -> str:
    parts = [str(known.get("host") or "")]
    if known.get("cores"):
        parts.append(count(int(known["cores"]), "core"))
    if known.get("memory_bytes"):
        parts.append(bytes_text(int(known["memory_bytes"])))
    return ", ".join(part for part in parts if part)


def _git(known: Mapping[str, Any]) -> Markup | str:
    if not known.get("commit"):
        return ""
    branch = (
        joined(" on ", tag("code", str(known["branch"]))) if known.get("branch") else ""
    )
    dirty = ", with uncommitted changes" if known.get("dirty") else ", clean"
    return joined(tag("code", str(known["commit"])[:10]), branch, dirty)


def _distributions(known: Mapping[str, Any]) -> Markup | str:
    listed = [f"{name} {version}" for name, version in known.items()]
    if len(listed) <= SHOWN_DISTRIBUTIONS + 1:
        return ", ".join(listed)
    first, rest = listed[:SHOWN_DISTRIBUTIONS], listed[SHOWN_DISTRIBUTIONS:]
    return tag(
        "details",
        tag("summary", f"{', '.join(first)} and {len(rest)} more", class_="plain"),
        ", ".join(rest),
    )


def _table(heading: list[str], rows: list[list[Any]]) -> Markup:
    head = tag("thead", tag("tr", [tag("th", name) for name in heading]))
    body = tag("tbody", [tag("tr", [tag("td", cell) for cell in row]) for row in rows])
    return tag("table", head, body, class_="facts-table")
