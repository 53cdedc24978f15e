"""`jupyter pipe approve RUN STAGE`: answers the question of a stage that waits for a
person."""

from __future__ import annotations

import argparse
import getpass
import time
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_root,
    find_stage,
    find_store,
    root_option,
)
from jupyter_pipe.cli.output.terminal import Terminal

if TYPE_CHECKING:
    from jupyter_pipe.runs.model import Run

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe approve latest evaluate --note "the errors by district look right"
jupyter pipe approve 7b1e evaluate --reject --note "Riverside is 40 % off"
jupyter pipe approve latest                 what waits in the latest run

how it works:
  1. A stage tagged approve:TEXT runs to its end, and the run ends *waiting* (exit code 5):
     nothing that depends on the stage starts, the rest of the run goes on.
  2. Look at what the stage left: jupyter pipe open RUN
  3. Approve or reject it, then: jupyter pipe resume RUN
An approval holds for just what you saw. If the stage's values, metrics or files are other ones
the next time, the run waits again."""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "approve", run, examples=EXAMPLES)
    parser.add_argument(
        "run_id", metavar="RUN", help="a run's id, its beginning or end, or `latest`"
    )
    parser.add_argument(
        "stage", metavar="STAGE", nargs="?", help="the stage that waits"
    )
    parser.add_argument(
        "--reject",
        action="store_true",
        help="say no: the stage fails when the run goes on",
    )
    parser.add_argument(
        "--note", default="", metavar="TEXT", help="why; it is kept with the answer"
    )
    add_root(parser)


def run(args: argparse.Namespace) -> int:
    """Write the answer down, or list the questions."""
    from jupyter_pipe.approvals import Approval, answer_question

    terminal = Terminal.of(args)
    store = find_store(args.root)
    found = store.read(store.find(args.run_id))
    if args.stage is None:
        return _list(terminal, found)
    # Asked first, for a message with the names that there are.
    stage = find_stage(found, args.stage).name
    said = Approval(
        not args.reject, getpass.getuser(), time.time(), args.note, found.run_id, stage
    )
    answer_question(store, found, stage, said)
    word = "Rejected" if args.reject else "Approved"
    terminal.say(f"{word}: {args.stage} of run {found.run_id}.")
    terminal.say(f"Go on: jupyter pipe resume {found.run_id}{root_option(store)}")
    return 0


def _list(terminal: Terminal, found: Run) -> int:
    from jupyter_pipe.approvals import waiting_stages

    waiting = waiting_stages(found)
    if not waiting:
        terminal.say(f"Nothing in run {found.run_id} waits for you.")
    for each in waiting:
        terminal.result(f"{each.stage}: {each.question}  ({each.state})")
    return 0
