"""`jupyter pipe check NB…`: everything that the compiler has to say, without writing
anything."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.errors import (
    diagnostic_counts,
    format_diagnostics,
    github_lines,
    print_error,
)
from jupyter_pipe.cli.output.places import CellPlaces, read_cells
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import PipeError
from jupyter_pipe.model import Diagnostic, Severity, to_json

__all__ = ["add_parser", "run"]

# Stands for a file that cannot be read, in formats that know findings only.
UNREADABLE = "PIPE000"
# Among others, `check *.ipynb`, these are no mistakes of anybody: they are said and
# passed over.
NOT_OURS = frozenset({"kernel_not_python", "notebook_without_code"})
EXAMPLES = """
jupyter pipe check home_value.ipynb
jupyter pipe check --format github notebooks/*.ipynb
jupyter pipe check --together ingest.ipynb train.ipynb
jupyter pipe check pipeline.toml"""


class PlacedDiagnostic(Diagnostic, frozen=True):
    """A finding in a notebook that is kept as text; `file_line` counts from 1 in the
    file."""

    file_line: int | None = None


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "check", run, examples=EXAMPLES)
    parser.add_argument(
        "notebooks",
        nargs="+",
        type=Path,
        metavar="NB",
        help="notebooks, or a pipeline.toml that lists some",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="as one pipeline: as if the notebooks were run one after another",
    )
    parser.add_argument("--format", choices=("text", "json", "github"), default="text")
    parser.add_argument(
        "--json",
        dest="format",
        action="store_const",
        const="json",
        help="same as --format json",
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 2 if any notebook has an error, or if none of them could be a
    pipeline."""
    found = _check_all(args.notebooks, together=args.together)
    others = {name: error for name, error in found.items() if _is_not_ours(error)}
    # If nothing is left to check, that is a mistake.
    all_others = len(others) == len(found)
    checked = {
        name: _as_findings(each, is_skipped=name in others and not all_others)
        for name, each in found.items()
    }
    if args.format == "text":
        _print_errors(Terminal.of(args), found, skipped=() if all_others else others)
    _print(Terminal.of(args), args.format, checked)
    errors = any(
        item.severity is Severity.error for items in checked.values() for item in items
    )
    return 2 if errors else 0


def _check_all(
    paths: Sequence[Path], *, together: bool
) -> dict[str, tuple[Diagnostic, ...] | PipeError]:
    """By notebook; a list of notebooks is checked as the one pipeline that they are."""
    from jupyter_pipe.notebook.file_kinds import names_several

    # A pipeline.toml is a list already.
    if together or (len(paths) == 1 and names_several(paths)):
        return _check_together(paths)
    return {str(notebook): _check(notebook) for notebook in paths}


def _check_together(
    paths: Sequence[Path],
) -> dict[str, tuple[Diagnostic, ...] | PipeError]:
    from jupyter_pipe.compiler.notebook_list import list_notebooks
    from jupyter_pipe.compiler.several import check_several

    try:
        listed = list_notebooks(paths)
        found = check_several(listed)
    except PipeError as error:
        return {str(paths[0]): error}
    return {
        _shown(each.path): tuple(
            # The key of the answer names it.
            msgspec.structs.replace(one, notebook="")
            for one in found
            if one.notebook == str(each.path)
        )
        for each in listed.notebooks
    }


def _shown(path: Path) -> str:
    here = Path.cwd().resolve()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _check(notebook: Path) -> tuple[Diagnostic, ...] | PipeError:
    """The findings, or why the file cannot be read as a pipeline."""
    from jupyter_pipe.compiler import check_notebook

    try:
        return check_notebook(notebook)
    except PipeError as error:
        return error


def _is_not_ours(found: tuple[Diagnostic, ...] | PipeError) -> bool:
    return isinstance(found, PipeError) and found.code in NOT_OURS


def _as_findings(
    found: tuple[Diagnostic, ...] | PipeError, *, is_skipped: bool
) -> tuple[Diagnostic, ...]:
    """For programs, a file that cannot be read at all is one of the findings."""
    if not isinstance(found, PipeError):
        return found
    if is_skipped:
        return (Diagnostic(UNREADABLE, Severity.info, f"Skipped: {found.message}"),)
    return (Diagnostic(UNREADABLE, Severity.error, found.message, found.hint),)


def _print_errors(
    terminal: Terminal,
    found: Mapping[str, tuple[Diagnostic, ...] | PipeError],
    skipped: Collection[str],
) -> None:
    for notebook, each in found.items():
        if not isinstance(each, PipeError):
            continue
        if notebook in skipped:
            terminal.say(f"{notebook}: skipped. {each.message}")
        else:
            print_error(each)


def _print(
    terminal: Terminal, form: str, found: dict[str, tuple[Diagnostic, ...]]
) -> None:
    if form == "json":
        terminal.record(
            to_json({name: _placed(name, each) for name, each in found.items()})
        )
        return
    for notebook, diagnostics in found.items():
        if form == "github":
            for line in github_lines(
                diagnostics, notebook, read_cells(notebook, only_text=True)
            ):
                terminal.command(line)
        else:
            _print_text(terminal, notebook, diagnostics)


def _placed(notebook: str, found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """For programs: with the lines of the file, if the notebook is kept as text."""
    # Notebooks in JSON have no lines that an editor could go to.
    cells = read_cells(notebook, only_text=True) if found else CellPlaces()
    if not cells.file:
        return found
    return tuple(
        PlacedDiagnostic(
            **msgspec.structs.asdict(each),
            file_line=cells.line(each.cell_id, each.line),
        )
        for each in found
    )


def _print_text(
    terminal: Terminal, notebook: str, diagnostics: Sequence[Diagnostic]
) -> None:
    if any(item.code == UNREADABLE for item in diagnostics):
        return
    if not diagnostics:
        terminal.say(f"{notebook}: no problems found.")
        return
    terminal.result(f"{notebook}: {diagnostic_counts(diagnostics)}.")
    terminal.result(format_diagnostics(terminal, diagnostics, read_cells(notebook)))
