"""`jupyter pipe rollback NAME`: let the version that answered before answer again."""

from __future__ import annotations

import argparse
import sys

from jupyter_pipe.cli.models.options import add_registry, find_registry, json_of
from jupyter_pipe.cli.options import Subparsers, add_command, add_json
from jupyter_pipe.cli.output.terminal import Terminal

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe rollback home_value
jupyter pipe models home_value"""
EXPLANATION = """\
The alias champion goes to the version that had it before, which becomes previous in its place: its bundle was
never changed, so its predictions are what they were, bit for bit. Rolling back twice changes nothing.

exit codes: 0 rolled back, 2 there is nothing to go back to"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "rollback", run, examples=EXAMPLES)
    parser.add_argument("name", metavar="NAME", help="the model")
    add_registry(parser)
    parser.description = f"{parser.description}\n\n{EXPLANATION}"
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; nothing to go back to is an error."""
    # With --json standard output belongs to the reader of the JSON.
    terminal = Terminal.of(args, sys.stderr if args.json else None)
    registry = find_registry(args.root)
    name = args.name.partition("@")[0]
    # Asked first: afterwards it is another version.
    before = registry.find(name)
    version = registry.rollback(name)
    if args.json:
        Terminal.of(args).record(json_of(version))
    else:
        terminal.result(
            f"{version.label} answers again, in place of version {before.number}"
        )
    return 0
