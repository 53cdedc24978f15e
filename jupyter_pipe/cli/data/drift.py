"""`jupyter pipe drift RUN [RUN]`: what moved in the data between two runs, column by
column."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_json,
    add_root,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import RunError
from jupyter_pipe.model import to_json
from jupyter_pipe.render.words import count

if TYPE_CHECKING:
    from jupyter_pipe.contracts import ColumnDrift, Drift
    from jupyter_pipe.runs.model import Run
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe drift latest              against the run before it that succeeded
jupyter pipe drift 7b1e latest         from one run to another
jupyter pipe drift latest --html drift.html --all

what the columns say:
  index     population stability index: 0 for the same distribution, above 0.2 a shift
  distance  largest difference of the distribution functions, or of the shares: 0 to 1
  moved     the index is above 0.2 and what chance makes of it, and a test (Kolmogorov and
            Smirnov, chi square) says so with p < 0.05 over all columns; or the distance of numbers
            is above 0.125, with p < 0.001
  unknown   fewer than 30 rows, or nearly every value is another one"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "drift", run, examples=EXAMPLES)
    parser.add_argument(
        "run_ids",
        nargs="+",
        metavar="RUN",
        help="one run, or the earlier and the later one",
    )
    parser.add_argument(
        "--all", action="store_true", help="show columns that did not move, too"
    )
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write a report with a picture of each column",
    )
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print what moved; the exit code is 0 whether anything did or not."""
    from jupyter_pipe.runs.data.drift import compare_data

    if len(args.run_ids) > 2:
        raise RunError(
            "Drift is between two runs.",
            code="bad_request",
            hint="For example: jupyter pipe drift latest",
        )
    terminal, store = Terminal.of(args), find_store(args.root)
    after = store.read(store.find(args.run_ids[-1]))
    before = (
        store.read(store.find(args.run_ids[0]))
        if len(args.run_ids) == 2
        else _run_before(store, after)
    )
    found = compare_data(store, before, after)
    if args.html:
        from jupyter_pipe.cli.output.writing import write_output
        from jupyter_pipe.runs.report.data import drift_html

        write_output(args.html, drift_html(found, before, after).encode())
    if args.json:
        terminal.record(to_json(found))
        return 0
    terminal.say(f"from {before.run_id} to {after.run_id}\n")
    terminal.result(_text(terminal, found, everything=args.all))
    if args.html:
        terminal.say(f"\n  report  {args.html}")
    return 0


def _run_before(store: RunStore, after: Run) -> Run:
    from jupyter_pipe.events import RunState

    for found in store.list():
        # A root may hold the runs of several notebooks.
        is_earlier = found.queued < after.queued and found.pipeline == after.pipeline
        if is_earlier and found.state is RunState.succeeded:
            return found
    raise RunError(
        f"No run of {after.pipeline} before {after.run_id} succeeded, so there is nothing to compare with.",
        code="one_run",
        hint="Name two runs: jupyter pipe drift RUN RUN",
    )


def _text(terminal: Terminal, found: list[Drift], *, everything: bool) -> str:
    rows = []
    for drift in found:
        # Tables of hundreds of columns hide the two that moved.
        shown = drift.columns if everything else drift.moved
        rows += [_row(drift.value, column) for column in shown]
    if rows:
        return terminal.table(
            rows, heading=["value", "column", "state", "index", "distance", "note"]
        )
    columns = sum(len(drift.columns) for drift in found)
    values = ", ".join(drift.value for drift in found)
    return f"Nothing moved: {count(columns, 'column')} of {values} as before."


def _row(value: str, column: ColumnDrift) -> list[str]:
    figures = [
        "" if each is None else f"{each:.2f}"
        for each in (column.index, column.distance)
    ]
    # An array has one column, which has no name.
    return [value, column.name or "-", column.state, *figures, column.note]
