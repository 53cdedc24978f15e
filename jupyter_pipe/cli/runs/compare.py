"""`jupyter pipe compare RUN RUN…`: what differs, the first run being the baseline."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from jupyter_pipe.cli.options import Subparsers, add_command, add_json, add_root, find_store
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import to_json
from jupyter_pipe.render.words import seconds_text, value_text
from jupyter_pipe.runs.compare import Comparison, Difference

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe compare 7b1e latest
jupyter pipe compare 7b1e latest --all"""
SECTIONS = ("parameters", "metrics", "gates", "states", "seconds", "code")


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "compare", run, examples=EXAMPLES)
    parser.add_argument("run_ids", nargs="+", metavar="RUN", help="two or more; the first is the baseline")
    parser.add_argument("--all", action="store_true", help="show what is equal, too")
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the differences; the exit code is 0 whether there are any or not."""
    from jupyter_pipe.errors import RunError
    from jupyter_pipe.runs.compare import compare

    if len(args.run_ids) < 2:
        raise RunError(
            "Comparing needs at least two runs.", code="one_run", hint="List them: jupyter pipe runs"
        )
    terminal = Terminal.of(args)
    store = find_store(args.root)
    comparison = compare([store.read(store.find(run_id)) for run_id in args.run_ids])
    if args.json:
        terminal.record(to_json(comparison))
    else:
        terminal.result(_text(terminal, comparison, everything=args.all))
    return 0


def _text(terminal: Terminal, comparison: Comparison, *, everything: bool) -> str:
    """A table for each section in which the runs differ, or with all lines if `everything`."""
    blocks = []
    for section in SECTIONS:
        lines: Sequence[Difference] = getattr(comparison, section)
        shown = [line for line in lines if everything or line.differs]
        if shown:
            rows = [_row(line, section) for line in shown]
            blocks.append(terminal.table(rows, heading=[section, *comparison.runs]))
    return "\n\n".join(blocks) or "The runs do not differ."


def _row(line: Difference, section: str) -> list[str]:
    verdicts = line.verdicts or ("",) * len(line.values)
    return [
        line.name,
        *(
            f"{_value(value, section)} {verdict}".strip()
            for value, verdict in zip(line.values, verdicts, strict=True)
        ),
    ]


def _value(value: Any, section: str) -> str:
    if value is None:
        return "-"
    return seconds_text(value) if section == "seconds" else value_text(value)
