"""`jupyter pipe runs`: the runs of a folder, newest first."""

from __future__ import annotations

import argparse
import datetime

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_json,
    add_root,
    at_least,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import to_json
from jupyter_pipe.render.marks import mark_of
from jupyter_pipe.render.words import seconds_text, value_text
from jupyter_pipe.runs.model import Run

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe runs
jupyter pipe runs --root example_notebooks -n 5"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "runs", run, examples=EXAMPLES)
    parser.add_argument(
        "-n",
        "--number",
        type=at_least(0),
        default=20,
        metavar="N",
        help="how many (default: 20; 0: all)",
    )
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each run."""
    terminal = Terminal.of(args)
    store = find_store(args.root)
    ids = store.ids()
    found = [
        store.read(run_id)
        # Cut before reading: a folder may hold thousands of runs.
        for run_id in (ids[: args.number] if args.number > 0 else ids)
    ]
    if args.json:
        terminal.record(to_json(found))
    elif not found:
        terminal.say(
            f"No runs in {store.root}. Start one with: jupyter pipe run NOTEBOOK"
        )
    else:
        terminal.result(
            terminal.table([_row(terminal, each) for each in found], heading=HEADING)
        )
    return 0


HEADING = ["run", "pipeline", "state", "when", "took", "metrics"]


def _row(terminal: Terminal, each: Run) -> list[str]:
    when = datetime.datetime.fromtimestamp(each.started or each.queued).strftime(
        "%d %b %H:%M"
    )
    # More metrics would not fit into a line.
    metrics = ", ".join(
        f"{name} {value_text(value)}" for name, value in list(each.metrics.items())[:4]
    )
    mark = mark_of(each.state.value)
    took = seconds_text(each.seconds) if each.seconds else ""
    word = f"{mark.glyph if terminal.symbols else mark.ascii} {mark.word}"
    return [each.run_id, each.pipeline, word, when, took, metrics]
