"""What is printed when a run has ended: stages, metrics and gates, failures, where
things are, what next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import RunState, StageState
from jupyter_pipe.render.marks import MARKS
from jupyter_pipe.render.words import count, seconds_text, value_text
from jupyter_pipe.runs.model import Run, StageRun
from jupyter_pipe.runs.report.words import (
    UNHAPPY,
    ending_word,
    gate_text,
    run_headline,
    speed_up,
    stage_mark,
    stage_note,
)

__all__ = ["metrics_table", "run_json", "stage_table", "summary"]


def summary(
    terminal: Terminal,
    run: Run,
    folder: Path,
    *,
    command: str = "",
    with_stages: bool = False,
) -> str:
    """The closing text; `command` is what to type to go on after a failure."""
    blocks = [stage_table(terminal, run)] if with_stages else []
    blocks.append(metrics_table(terminal, run))
    failed = [stage for stage in run.stages if stage.state is StageState.failed]
    if failed:
        # Reads notebooks for it, of which a run in which nothing changed needs none.
        from jupyter_pipe.cli.output.failure import failure_block

        blocks += [failure_block(terminal, stage, run.facts) for stage in failed]
    blocks.append("\n".join(_closing(terminal, run, folder, command)))
    return "\n\n".join(block for block in blocks if block)


def stage_table(terminal: Terminal, run: Run) -> str:
    """One line a stage."""
    if not run.stages:
        return ""
    width = max(len(stage.name) for stage in run.stages)
    words = max(len(stage_mark(stage).word) for stage in run.stages)
    return "\n".join(_stage_line(terminal, stage, width, words) for stage in run.stages)


def _stage_line(terminal: Terminal, stage: StageRun, width: int, words: int) -> str:
    mark = stage_mark(stage)
    took = seconds_text(stage.seconds) if stage.seconds else ""
    word = terminal.style(f"{mark.word:<{words}}", mark.tone)
    note = stage_note(stage)
    # Mark, time and the gaps between columns take 16.
    room = max(20, terminal.width - width - words - 16)
    note = note if len(note) <= room or not terminal.live else f"{note[: room - 1]}…"
    return f"{terminal.mark(mark)} {stage.name:<{width}}  {word}  {took:>8}  {note}".rstrip()


def metrics_table(terminal: Terminal, run: Run) -> str:
    """Metrics by stage, then gates with what was observed."""
    rows = [
        [name, value_text(value), stage.name]
        for stage in run.stages
        for name, value in stage.metrics.items()
    ]
    parts = [terminal.table(rows, heading=["metric", "value", "stage"])] if rows else []
    gates = [
        f"{terminal.mark(MARKS['succeeded' if gate.passed else 'gate_failed'])} "
        f"gate {'passed' if gate.passed else 'failed'}: {gate_text(gate)}"
        for stage in run.stages
        for gate in stage.gates
    ]
    return "\n".join([*parts, *gates])


def _closing(terminal: Terminal, run: Run, folder: Path, command: str) -> Iterator[str]:
    """How the run ended and how much time was saved, where its report and notebooks
    are, and, unless it succeeded, the command that continues it."""
    state = run.state.value
    faster = speed_up(run)
    note = (
        f" ({faster:.1f}x faster than one after another)"
        if faster and state == "succeeded"
        else ""
    )
    counts = _counts(run)
    headline = terminal.style(f"{run.pipeline} {run_headline(run)}", "strong")
    yield f"{terminal.mark(MARKS[state])} {headline}{note}" + (
        f": {counts}" if counts else ""
    )
    if (folder / "report.html").exists():
        yield f"  report     {_shown(folder / 'report.html')}"
    if (folder / "stages").exists():
        yield f"  notebooks  {_shown(folder / 'stages')}"
    if command and run.state is not RunState.succeeded:
        yield f"  continue   {command}"


def _counts(run: Run) -> str:
    """How many stages ended in which way, such as "3 stages ran, 2 cached, saved 41 s,
    1 failed"."""
    states = [ending_word(stage) for stage in run.stages]
    ran = states.count("succeeded")
    parts = [f"{count(ran, 'stage')} ran"] if ran else []
    if "cached" in states:
        saved = sum(
            stage.saved_seconds
            for stage in run.stages
            if stage.state is StageState.cached
        )
        parts.append(
            f"{states.count('cached')} cached"
            + (f", saved {seconds_text(saved)}" if saved else "")
        )
    parts += [f"{states.count(word)} {word}" for word in UNHAPPY if word in states]
    return ", ".join(parts)


def _shown(path: Path) -> str:
    """Relative where that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def run_json(run: Run, folder: Path) -> str:
    """The last line of `run --json`."""
    import json

    stages = [
        {
            "name": stage.name,
            "state": stage.state.value,
            "reason": stage.reason,
            "seconds": stage.seconds,
            "attempts": stage.attempts,
            "notebook": _executed(folder, stage),
        }
        for stage in run.stages
    ]
    return json.dumps(
        {
            "run_id": run.run_id,
            "state": run.state.value,
            "run_dir": str(folder),
            "stages": stages,
        }
    )


def _executed(folder: Path, stage: StageRun) -> str | None:
    path = folder / "stages" / stage.name / "executed.ipynb"
    return str(path) if path.exists() else None
