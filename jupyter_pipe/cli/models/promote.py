"""`jupyter pipe promote NAME@4`: let a version answer, if it is better than the one
that does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_pipe.cli.models.options import (
    add_reference,
    add_registry,
    find_registry,
    json_of,
    reference_of,
)
from jupyter_pipe.cli.options import Subparsers, add_command, add_json
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.notebook.grammar import PROMOTION_METRICS
from jupyter_pipe.registry.model import PREVIOUS
from jupyter_pipe.render.marks import MARKS

if TYPE_CHECKING:
    from jupyter_pipe.registry import ModelVersion
    from jupyter_pipe.registry.promotion import Verdict

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe promote home_value@4
jupyter pipe promote home_value@challenger --on week_13.csv    newer rows, with what came out
jupyter pipe promote home_value@2 --force                      without the comparison
jupyter pipe rollback home_value                               if it was a mistake"""
EXPLANATION = """\
Three questions, in this order. Did all gates of its run hold? Do its proofs hold, and does it repeat its
golden rows now? Is it better than the champion, on labelled rows that neither has learned from? For the last,
both score the same rows, and a paired bootstrap says whether the difference is more than chance: it must be
better in 95 of 100 draws. The rows are those that the notebook set aside, if a stage is tagged
promote:METRIC; or those of --on. A version that is rejected stays, with its reason.

exit codes: 0 promoted, 3 rejected or undecided, 2 unknown or untrusted"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "promote", run, examples=EXAMPLES)
    add_reference(parser, "the version, such as home_value@4 or home_value@challenger")
    parser.add_argument(
        "--on",
        type=Path,
        metavar="FILE",
        help="labelled rows to compare on: .csv, .parquet, .jsonl",
    )
    parser.add_argument(
        "--metric", choices=PROMOTION_METRICS, default="", help="compare by this one"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="do not compare; gates and proofs must hold",
    )
    add_registry(parser)
    parser.description = f"{parser.description}\n\n{EXPLANATION}"
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 if the version answers now, 3 if not."""
    from jupyter_pipe.registry.promotion import promote

    # With --json standard output belongs to the reader of the JSON.
    terminal = Terminal.of(args, sys.stderr if args.json else None)
    reference = reference_of(args.reference, default="challenger")
    registry = find_registry(args.root)
    rows = _labelled(args.on) if args.on else None
    verdict, version = promote(
        registry,
        reference.name,
        reference.which,
        rows=rows,
        metric=args.metric,
        force=args.force,
    )
    if args.json:
        Terminal.of(args).record(json_of({"version": version, "verdict": verdict}))
    else:
        _tell(terminal, verdict, version)
        # The first champion has none before it.
        if verdict.outcome == "promoted" and PREVIOUS in registry.aliases(version.name):
            terminal.say(f"  to go back: jupyter pipe rollback {version.name}")
    # 3, as for a gate that is false.
    return 0 if verdict.outcome == "promoted" else 3


def _tell(terminal: Terminal, verdict: Verdict, version: ModelVersion) -> None:
    marks = {"promoted": "succeeded", "rejected": "failed", "undecided": "skipped"}
    words = {
        "promoted": "answers from now on",
        "rejected": "is rejected",
        "undecided": "stays as it is",
    }
    mark = terminal.mark(MARKS[marks[verdict.outcome]])
    terminal.result(
        f"{mark} {version.label} {words[verdict.outcome]}. {verdict.reason}"
    )
    if verdict.hint:
        terminal.say(f"  hint: {verdict.hint}")


def _labelled(path: Path) -> list[dict[str, Any]]:
    from jupyter_pipe.scoring.tables import read_table

    return read_table(path)
