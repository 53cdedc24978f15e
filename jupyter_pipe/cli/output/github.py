"""What a run leaves in GitHub Actions: annotations in the log, a summary on the run's
page.

The summary is appended to the file that GitHub names; if it
cannot be written, the run is none the worse for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.artifacts.masking import SHORTEST
from jupyter_pipe.cli.output.errors import annotation, escaped
from jupyter_pipe.cli.output.places import read_cells
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import StageState
from jupyter_pipe.model import Pipeline
from jupyter_pipe.render.text import to_mermaid
from jupyter_pipe.render.words import seconds_text, value_text
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.report.words import (
    failure_place,
    failure_text,
    gate_text,
    run_headline,
    stage_mark,
    stage_note,
)

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest

__all__ = ["failure_annotations", "job_summary", "mask_secrets", "write_github"]


def write_github(terminal: Terminal, run: Run, pipeline: Pipeline) -> None:
    """Print the annotations and append the job summary."""
    for line in failure_annotations(run):
        terminal.command(line)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(job_summary(run, pipeline))
        except OSError as error:
            terminal.say(f"The job summary cannot be written: {error}.")


def mask_secrets(terminal: Terminal, request: RunRequest) -> None:
    """Have GitHub hide the secrets in all that this job prints from now on, whoever
    prints it."""
    stages = request.target.pipeline.stages
    environment = os.environ if request.environment is None else request.environment
    names = dict.fromkeys(
        secret for stage in stages for secret in stage.options.secrets
    )
    for value in [environment.get(name, "") for name in names]:
        # GitHub looks at one line at a time.
        for text in dict.fromkeys([value.strip(), *map(str.strip, value.splitlines())]):
            # GitHub would hide a word of one letter everywhere.
            if len(text) >= SHORTEST:
                terminal.command(f"::add-mask::{escaped(text)}")


def failure_annotations(run: Run) -> list[str]:
    """An error for each failed stage and a warning for each warning."""
    lines = []
    for stage in run.stages:
        if stage.state is StageState.failed and stage.failure:
            notebook = run.facts.notebook_of(stage.name)
            cells = read_cells(notebook, only_text=True)
            title = (
                f"{stage.name} {stage_mark(stage).word}, {failure_place(stage.failure)}"
            )
            text = f"{failure_text(stage.failure)} {stage.failure.hint}".strip()
            line = cells.line(stage.failure.cell_id, stage.failure.line)
            lines.append(annotation("error", notebook, title, text, line))
    lines += [
        annotation("warning", run.facts.notebook, each.code, each.message)
        for each in run.warnings
    ]
    return lines


def job_summary(run: Run, pipeline: Pipeline) -> str:
    """Markdown: the state, the stages, metrics and gates, and the DAG."""
    stages = [
        [
            stage.name,
            stage_mark(stage).word,
            seconds_text(stage.seconds) if stage.seconds else "",
            stage_note(stage),
        ]
        for stage in run.stages
    ]
    metrics = [
        [name, value_text(value), stage.name]
        for stage in run.stages
        for name, value in stage.metrics.items()
    ]
    gates = [
        [gate_text(gate), "passed" if gate.passed else "failed"]
        for stage in run.stages
        for gate in stage.gates
    ]
    parts = [
        f"## {_cell(run.pipeline)} {_cell(run_headline(run))}",
        _table(["stage", "state", "time", ""], stages),
        _table(["metric", "value", "stage"], metrics),
        _table(["gate", ""], gates),
        f"```mermaid\n{to_mermaid(pipeline)}```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(heading: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(
        f"| {' | '.join(_cell(text) for text in line)} |" for line in lines
    )


def _cell(text: str) -> str:
    """Text that neither ends the cell nor becomes HTML."""
    for char, written in (
        # First, since the next ones bring some.
        ("&", "&amp;"),
        ("<", "&lt;"),
        ("|", "\\|"),
        ("`", "\\`"),
        ("\n", " "),
    ):
        text = text.replace(char, written)
    return text
