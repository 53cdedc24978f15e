"""`jupyter pipe suggest NB`: proposes stages, and with `--write` tags the cells."""

from __future__ import annotations

import argparse
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command, add_json
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import to_json

if TYPE_CHECKING:
    from jupyter_pipe.suggest import SuggestedStage, Suggestion

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe suggest notebook.ipynb            shows what would be tagged; writes nothing
jupyter pipe suggest notebook.ipynb --write    adds the tags
jupyter pipe suggest notebook.ipynb --undo     removes them again"""
INDENT = "    "


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "suggest", run, examples=EXAMPLES)
    parser.add_argument("target", type=Path, metavar="NB")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--write", action="store_true", help="add the tags to the notebook"
    )
    what.add_argument(
        "--undo", action="store_true", help="remove the tags that --write added"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Show, write or take back."""
    from jupyter_pipe.suggest import suggest_stages
    from jupyter_pipe.suggest.accept import accept, take_back

    terminal = Terminal.of(args)
    notebook: Path = args.target
    if args.undo:
        removed = take_back(notebook)
        terminal.say(f"Removed {removed} tags from {notebook}; your own stay.")
        return 0
    suggestion = suggest_stages(notebook)
    # Before printing: what is said below is then true.
    if args.write and suggestion.tags:
        accept(notebook, suggestion.tags)
    if args.json:
        terminal.record(to_json(suggestion))
        return 0
    _print(terminal, suggestion, _numbers(notebook))
    _print_next(terminal, suggestion, notebook, written=args.write)
    return 0


def _numbers(notebook: Path) -> dict[str, int]:
    from jupyter_pipe.notebook import read_notebook

    return {
        cell.id: cell.number
        for cell in read_notebook(notebook).cells
        if cell.number is not None
    }


def _print(
    terminal: Terminal, suggestion: Suggestion, numbers: Mapping[str, int]
) -> None:
    width = max((len(stage.name) for stage in suggestion.stages), default=0)
    for stage in suggestion.stages:
        cells = _ranges([numbers[cell] for cell in stage.cells if cell in numbers])
        terminal.result(f"{terminal.style(stage.name.ljust(width), 'strong')}  {cells}")
        for line in _details(stage):
            terminal.result(_wrapped(terminal, line))
    for note in suggestion.notes:
        terminal.result(_wrapped(terminal, note, ""))


def _details(stage: SuggestedStage) -> list[str]:
    received = (
        f"takes {', '.join(stage.receives)}" if stage.receives else "takes no values"
    )
    sources = f" from {', '.join(stage.after)}" if stage.after else ""
    return [f"{received}{sources}", *([stage.reason] if stage.reason else [])]


def _wrapped(terminal: Terminal, text: str, indent: str = INDENT) -> str:
    return textwrap.fill(
        text, terminal.width, initial_indent=indent, subsequent_indent=indent
    )


def _ranges(numbers: Sequence[int]) -> str:
    """`cells 3-5, 7`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = ", ".join(
        str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs
    )
    return f"{'cell' if len(numbers) == 1 else 'cells'} {shown}"


def _print_next(
    terminal: Terminal, suggestion: Suggestion, notebook: Path, *, written: bool
) -> None:
    name = shlex.quote(str(notebook))
    if not suggestion.tags:
        terminal.say("There is nothing to tag.")
    elif written:
        terminal.say(
            f"\nTagged {len(suggestion.tags)} cells of {notebook}. If it is open, reload it."
        )
        terminal.say(f"To take it back: jupyter pipe suggest {name} --undo")
        terminal.say(f"To run it:       jupyter pipe run {name}")
    else:
        terminal.say(
            f"\nNothing is written yet. To accept: jupyter pipe suggest {name} --write"
        )
