"""How a failed stage looks on a terminal: the user's cell and line, the user's frames,
the hint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jupyter_pipe.cli.output.places import read_cells
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import DEMANDS, FailureKind, Frame
from jupyter_pipe.runs.model import Failure, RunFacts, StageRun
from jupyter_pipe.runs.report.words import (
    failure_place,
    failure_text,
    frame_place,
    gate_text,
    omitted_text,
    stage_mark,
    visible_frames,
)

__all__ = ["failure_block"]

NO_FACTS = RunFacts()


def failure_block(
    terminal: Terminal, stage: StageRun, facts: RunFacts = NO_FACTS
) -> str:
    """Several lines; empty if the stage did not fail. `facts` are those of the run, if
    they are known."""
    if stage.failure is None:
        return ""
    mark = stage_mark(stage)
    notebook = facts.notebook_of(stage.name)
    # In a pipeline of several notebooks the name of the stage is not yet that of a
    # file.
    file = f"{Path(notebook).name}, " if facts.notebooks else ""
    place = (
        ""
        if stage.failure.kind in DEMANDS
        else f" in {file}{failure_place(stage.failure)}"
    )
    cells = read_cells(notebook, only_text=True)
    in_file = cells.text(stage.failure.cell_id, stage.failure.line) if place else ""
    place += f" ({in_file})" if in_file else ""
    heading = f"{terminal.mark(mark)} {terminal.style(f'{stage.name} {mark.word}{place}', 'strong')}"
    return "\n".join([heading, *_body(terminal, stage, stage.failure)])


def _body(terminal: Terminal, stage: StageRun, failure: Failure) -> Iterator[str]:
    """The gates that failed, or the user's frames with the error below them, then the
    hint."""
    if failure.kind is FailureKind.gate:
        failed = [gate for gate in stage.gates if not gate.passed]
        yield from (f"  {gate_text(gate)}" for gate in failed)
        if not failed:
            yield f"  {failure_text(failure)}"
    else:
        for frame in visible_frames(failure):
            yield from _frame(terminal, frame)
        yield from (f"  {line}" for line in failure_text(failure).splitlines())
    if failure.hint:
        yield f"  {terminal.style('hint:', 'strong')} {failure.hint}"


def _frame(terminal: Terminal, frame: Frame) -> Iterator[str]:
    yield terminal.style(f"  {frame_place(frame)}", "quiet")
    if frame.source.strip():
        yield f"    {frame.line:>4} {terminal.style('|', 'quiet')} {frame.source.strip()}"
    if frame.omitted:
        yield terminal.style(f"  {omitted_text(frame)}", "quiet")
