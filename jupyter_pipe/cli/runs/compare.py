"""`jupyter pipe compare RUN RUN…`: what differs, the first run being the baseline."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_json,
    add_root,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import to_json
from jupyter_pipe.render.words import seconds_text, value_text
from jupyter_pipe.runs.compare import Comparison, Difference

if TYPE_CHECKING:
    from jupyter_pipe.runs.model import Run
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe compare 7b1e latest
jupyter pipe compare 7b1e latest --all
jupyter pipe compare 7b1e latest --notebooks         cells and outputs that differ, by nbdime
jupyter pipe compare 7b1e latest --notebooks train   of one stage"""
SECTIONS = ("parameters", "metrics", "gates", "states", "seconds", "code")


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "compare", run, examples=EXAMPLES)
    parser.add_argument(
        "run_ids",
        nargs="+",
        metavar="RUN",
        help="two or more; the first is the baseline",
    )
    parser.add_argument("--all", action="store_true", help="show what is equal, too")
    parser.add_argument(
        "--notebooks",
        nargs="?",
        const="",
        metavar="STAGE",
        help="show what differs in the executed notebooks, of all stages or of one",
    )
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the differences; the exit code is 0 whether there are any or not."""
    from jupyter_pipe.errors import RunError
    from jupyter_pipe.runs.compare import compare

    if len(args.run_ids) < 2:
        raise RunError(
            "Comparing needs at least two runs.",
            code="one_run",
            hint="List them: jupyter pipe runs",
        )
    terminal = Terminal.of(args)
    store = find_store(args.root)
    runs = [store.read(store.find(run_id)) for run_id in args.run_ids]
    if args.notebooks is not None:
        return _compare_notebooks(terminal, store, runs, args.notebooks)
    comparison = compare(runs)
    if args.json:
        terminal.record(to_json(comparison))
    else:
        terminal.result(_text(terminal, comparison, everything=args.all))
    return 0


def _compare_notebooks(
    terminal: Terminal, store: RunStore, runs: Sequence[Run], only: str
) -> int:
    """What differs in the cells of two runs, stage by stage."""
    from jupyter_pipe.errors import RunError
    from jupyter_pipe.runs.report.changes import notebook_changes

    if len(runs) > 2:
        hint = "Name two runs, the baseline first."
        raise RunError(
            "Notebooks are compared two by two.", code="bad_request", hint=hint
        )
    stages = list(dict.fromkeys(stage.name for run in runs for stage in run.stages))
    if only and only not in stages:
        hint = f"Stages are: {', '.join(stages)}."
        raise RunError(
            f"Neither run has a stage '{only}'.", code="stage_unknown", hint=hint
        )
    base, other = (store.folder(run.run_id) for run in runs)
    blocks = []
    for stage in [only] if only else stages:
        changes = notebook_changes(base.executed(stage), other.executed(stage))
        if changes:
            lines = [_coloured(terminal, line) for line in changes.splitlines()]
            blocks.append(
                "\n".join([terminal.style(f"stage {stage}", "strong"), *lines])
            )
    terminal.result("\n\n".join(blocks) or "The executed notebooks do not differ.")
    return 0


def _coloured(terminal: Terminal, line: str) -> str:
    # The signs with which nbdime begins its lines.
    tone = {"+": "good", "-": "bad", "#": "quiet"}.get(line[:1], "")
    return terminal.style(line, tone) if tone else line


def _text(terminal: Terminal, comparison: Comparison, *, everything: bool) -> str:
    """A table for each section in which the runs differ, or with all lines if
    `everything`."""
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
