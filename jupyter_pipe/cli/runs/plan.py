"""`jupyter pipe plan NB|DIR`: what a run would do and why, stage by stage; runs
nothing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command, add_json
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.run_options import add_run_options, request_of
from jupyter_pipe.model import to_json
from jupyter_pipe.render.marks import MARKS
from jupyter_pipe.render.words import count, seconds_text

if TYPE_CHECKING:
    from jupyter_pipe.cache.plan import Plan, PlannedStage

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe plan home_value.ipynb
jupyter pipe plan home_value.ipynb -p weeks=8 --json"""
# Action of a plan -> the mark that such a stage has in a run.
MARK_OF_ACTION = {"run": "stale", "reuse": "cached", "skip": "skipped"}


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "plan", run, examples=EXAMPLES)
    add_run_options(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the forecast."""
    from jupyter_pipe.engine.reuse.forecast import forecast

    terminal = Terminal.of(args)
    plan = forecast(request_of(args))
    if args.json:
        terminal.record(to_json(plan))
        return 0
    width = max((len(stage.name) for stage in plan.stages), default=0)
    for stage in plan.stages:
        terminal.result(_line(terminal, stage, width))
    terminal.say(_total(plan))
    return 0


def _line(terminal: Terminal, stage: PlannedStage, width: int) -> str:
    mark = MARKS[MARK_OF_ACTION[stage.action]]
    saved = (
        f", saves {seconds_text(stage.saved_seconds)}" if stage.saved_seconds else ""
    )
    word = terminal.style(f"{stage.action:<5}", mark.tone)
    return f"{terminal.mark(mark)} {stage.name:<{width}}  {word}  {stage.reason}{saved}".rstrip()


def _total(plan: Plan) -> str:
    running = sum(stage.action == "run" for stage in plan.stages)
    reused = [stage for stage in plan.stages if stage.action == "reuse"]
    saved = sum(stage.saved_seconds for stage in reused)
    note = f", saving {seconds_text(saved)}" if saved else ""
    return f"{count(running, 'stage')} to run, {len(reused)} to reuse{note}."
