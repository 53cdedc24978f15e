"""`jupyter pipe check NB…`: everything that the compiler has to say, without writing anything."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.errors import (
    cell_sources,
    diagnostic_counts,
    format_diagnostics,
    github_lines,
    print_error,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import PipeError
from jupyter_pipe.model import Diagnostic, Severity, to_json

__all__ = ["add_parser", "run"]

UNREADABLE = "PIPE000"
EXAMPLES = """
jupyter pipe check home_value.ipynb
jupyter pipe check --format github notebooks/*.ipynb"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "check", run, summary="say what is wrong with notebooks, cell by cell", examples=EXAMPLES
    )
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NB")
    parser.add_argument("--format", choices=("text", "json", "github"), default="text")
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="same as --format json"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 2 if any notebook has an error."""
    found = {str(notebook): _check(notebook, args.format) for notebook in args.notebooks}
    _print(Terminal.of(args), args.format, found)
    errors = any(item.severity is Severity.error for items in found.values() for item in items)
    return 2 if errors else 0


def _check(notebook: Path, form: str) -> tuple[Diagnostic, ...]:
    """The findings; for programs, a file that cannot be read at all is one of them."""
    from jupyter_pipe.compiler import check_notebook

    try:
        return check_notebook(notebook)
    except PipeError as error:
        if form == "text":
            print_error(error)
        return (Diagnostic(UNREADABLE, Severity.error, error.message, error.hint),)


def _print(terminal: Terminal, form: str, found: dict[str, tuple[Diagnostic, ...]]) -> None:
    if form == "json":
        terminal.record(to_json(found))
        return
    for notebook, diagnostics in found.items():
        if form == "github":
            for line in github_lines(diagnostics, notebook):
                terminal.command(line)
        else:
            _print_text(terminal, notebook, diagnostics)


def _print_text(terminal: Terminal, notebook: str, diagnostics: Sequence[Diagnostic]) -> None:
    if any(item.code == UNREADABLE for item in diagnostics):
        return
    if not diagnostics:
        terminal.say(f"{notebook}: no problems found.")
        return
    terminal.result(f"{notebook}: {diagnostic_counts(diagnostics)}.")
    terminal.result(format_diagnostics(terminal, diagnostics, cell_sources(notebook)))
