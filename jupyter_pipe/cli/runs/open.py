"""`jupyter pipe open [RUN]`: the report of a run, in the browser."""

from __future__ import annotations

import argparse
import webbrowser

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_root,
    add_run,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import RunError
from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe open               the report of the latest run
jupyter pipe open 7b1e          of a run by the end of its id
jupyter pipe open --print       only say where it is"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "open", run, examples=EXAMPLES)
    add_run(parser)
    parser.add_argument(
        "--print",
        dest="only_print",
        action="store_true",
        help="print the path, open nothing",
    )
    add_root(parser)


def run(args: argparse.Namespace) -> int:
    """Open the report; its path is printed as well, for where there is no browser."""
    terminal = Terminal.of(args)
    store = find_store(args.root)
    run_id = store.find(args.run_id)
    folder = store.folder(run_id)
    if not store.read(run_id).is_final:
        raise RunError(
            f"Run {run_id} still goes on; its report is written when it ends.",
            code="run_active",
            hint=f"Watch it with: jupyter pipe logs {run_id} --follow",
        )
    _write_anew(store, run_id)
    # Before the browser opens, which may print something of its own.
    terminal.result(str(folder.report))
    if not args.only_print and not webbrowser.open(folder.report.absolute().as_uri()):
        terminal.say("No browser was found here: open that file yourself.")
    return 0


def _write_anew(store: RunStore, run_id: str) -> None:
    """A page in a cloned folder may be a stranger's, with scripts; one that we write
    has none."""
    from jupyter_pipe.runs.report.report import write_report

    store.require_no_links()
    folder = store.folder(run_id).path
    try:
        write_report(folder)
    except OSError as error:
        raise RunError(
            f"The report cannot be written to {folder}: {error.strerror or error}.",
            code="root_unwritable",
        ) from error
