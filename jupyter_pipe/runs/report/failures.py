"""The report's blocks about what went wrong: failed stages and warnings."""

from __future__ import annotations

from jupyter_pipe.events import DEMANDS, FailureKind, Frame, StageState
from jupyter_pipe.render.marks import mark_svg
from jupyter_pipe.render.markup import Markup, joined, tag
from jupyter_pipe.runs.model import Failure, Run, StageRun
from jupyter_pipe.runs.report.words import (
    failure_place,
    failure_text,
    frame_place,
    gate_text,
    omitted_text,
    stage_mark,
    visible_frames,
)

__all__ = ["failures", "warnings"]


def failures(run: Run) -> Markup:
    """A block for each failed stage: where, the user's frames, the error, what to
    do."""
    return joined(
        [
            _failure(stage, stage.failure)
            for stage in run.stages
            if _failed(stage) and stage.failure
        ]
    )


def _failed(stage: StageRun) -> bool:
    return stage.state is StageState.failed


def _failure(stage: StageRun, failure: Failure) -> Markup:
    """The section of a failed stage: place, frames, message or failed gates, hint, link
    to the cell."""
    mark = stage_mark(stage)
    place = "" if failure.kind in DEMANDS else f" in {failure_place(failure)}"
    heading = tag(
        "h2",
        Markup(mark_svg(mark.state, size=16)),
        " ",
        tag("b", stage.name),
        f" {mark.word}{place}",
    )
    gates = [
        tag("div", gate_text(gate), class_="message")
        for gate in stage.gates
        if not gate.passed
    ]
    is_gate = failure.kind is FailureKind.gate and bool(gates)
    return tag(
        "section",
        heading,
        [_frame(frame) for frame in visible_frames(failure)],
        gates if is_gate else tag("pre", failure_text(failure), class_="message"),
        tag("div", failure.hint) if failure.hint else None,
        tag("a", "See the cell", href=f"#stage-{stage.name}"),
        class_="failure",
    )


def _frame(frame: Frame) -> Markup:
    source = (
        tag("pre", f"{frame.line:>4} | {frame.source.strip()}")
        if frame.source.strip()
        else None
    )
    omitted = tag("div", omitted_text(frame), class_="quiet") if frame.omitted else None
    return tag(
        "div",
        tag("span", frame_place(frame), class_="quiet"),
        source,
        omitted,
        class_="frame",
    )


def warnings(run: Run) -> Markup | None:
    """What the user should know although nothing failed."""
    if not run.warnings:
        return None
    lines = [
        tag(
            "div",
            f"{each.stage}: " if each.stage else None,
            each.message,
            " ",
            tag("code", each.code, class_="quiet"),
        )
        for each in run.warnings
    ]
    return tag("section", lines, class_="failure warning")
