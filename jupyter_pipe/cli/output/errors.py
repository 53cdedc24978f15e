"""How errors look: message, hint, and for a notebook's problems every cell with its
lines.

No traceback of ours. What the user wrote is shown with the place marked; `github` makes
workflow annotations of the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from jupyter_pipe.cli.output.places import CellPlaces, read_cells
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import CompileError, PipeError
from jupyter_pipe.model import Diagnostic, Severity
from jupyter_pipe.render.terminal_text import safe_for_terminal

__all__ = [
    "annotation",
    "diagnostic_counts",
    "escaped",
    "format_diagnostics",
    "github_lines",
    "print_error",
]

_TONES = {Severity.error: "bad", Severity.warning: "warn", Severity.info: "busy"}


def print_error(error: PipeError, *, notebook: str | Path | None = None) -> None:
    """The error on standard error."""
    terminal = Terminal(sys.stderr)
    if isinstance(error, CompileError) and error.diagnostics:
        terminal.result(
            format_diagnostics(terminal, error.diagnostics, read_cells(notebook))
        )
        terminal.result("")
    terminal.result(f"{terminal.style('error:', 'bad')} {error.message}")
    if error.hint:
        terminal.result(f"{terminal.style('hint:', 'strong')} {error.hint}")


def format_diagnostics(
    terminal: Terminal, diagnostics: Iterable[Diagnostic], cells: CellPlaces
) -> str:
    """All of them, grouped by cell in the given order, each with its line and a caret.
    Those that say of which of several notebooks they are look up their own cells."""
    blocks = []
    # They come in the order of notebooks and cells.
    for notebook, of_notebook in groupby(diagnostics, key=lambda item: item.notebook):
        known = read_cells(notebook) if notebook else cells
        where = f"{Path(notebook).name}, " if notebook else ""
        for cell, group in groupby(
            of_notebook, key=lambda item: (item.cell_id, item.cell)
        ):
            found = list(group)
            blocks.append(
                terminal.style(where + _cell_heading(cell[1], found), "strong")
            )
            blocks += [_block(terminal, item, known) for item in found]
    return "\n".join(blocks)


def diagnostic_counts(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    from jupyter_pipe.render.words import count

    nouns = {
        Severity.error: "error",
        Severity.warning: "warning",
        Severity.info: "note",
    }
    found = {
        level: sum(item.severity is level for item in diagnostics) for level in nouns
    }
    return ", ".join(
        count(found[level], noun) for level, noun in nouns.items() if found[level]
    )


def _cell_heading(number: int | None, found: Sequence[Diagnostic]) -> str:
    stage = next((item.stage for item in found if item.stage), None)
    where = (
        f"cell {number}"
        if number is not None
        else "notebook"
        if not found[0].cell_id
        else "cell"
    )
    return f"{where} (stage {stage})" if stage else where


def _block(terminal: Terminal, item: Diagnostic, cells: CellPlaces) -> str:
    word = terminal.style(item.severity.value, _TONES[item.severity])
    parts = (
        f"line {item.line}" if item.line else "",
        cells.text(item.cell_id, item.line),
    )
    place = ", ".join(part for part in parts if part)
    lines = [f"  {place}{': ' if place else ''}{word} {item.code}: {item.message}"]
    lines += _excerpt(terminal, item, cells.source(item.cell_id))
    if item.hint:
        lines.append(f"    {item.hint}")
    return "\n".join(lines)


def _excerpt(terminal: Terminal, item: Diagnostic, source: str) -> list[str]:
    """The line, and a caret under the column."""
    rows = source.splitlines()
    if not item.line or item.line > len(rows):
        return []
    # A tab would move the line away from its caret.
    row = rows[item.line - 1].expandtabs(4)
    bar = terminal.style("|", "quiet")
    shown = [f"    {item.line:>4} {bar} {row}"]
    if item.column and item.column <= len(row) + 1:
        caret = terminal.style("^", _TONES[item.severity])
        shown.append(f"         {bar} {' ' * (item.column - 1)}{caret}")
    return shown


def github_lines(
    diagnostics: Iterable[Diagnostic], notebook: str | Path, cells: CellPlaces
) -> list[str]:
    """Workflow commands that annotate the notebook's file, at its line if it is kept as
    text.

    Any other notebook is JSON to GitHub, so the annotation names cell and line in its
    title.
    """
    kinds = {
        Severity.error: "error",
        Severity.warning: "warning",
        Severity.info: "notice",
    }
    lines = []
    for item in diagnostics:
        cell = f"cell {item.cell}" if item.cell is not None else ""
        line = f"line {item.line}" if item.line else ""
        place = ", ".join(part for part in (cell, line) if part)
        text = f"{item.message} {item.hint}".strip()
        title = f"{item.code} {place}".strip()
        file_line = cells.line(item.cell_id, item.line)
        lines.append(
            annotation(kinds[item.severity], str(notebook), title, text, file_line)
        )
    return lines


def annotation(
    kind: str, file: str, title: str, text: str, line: int | None = None
) -> str:
    """One workflow command of GitHub Actions."""
    file, title, text = (
        safe_for_terminal(part, colour=False) for part in (file, title, text)
    )
    where = f"file={_property(file)}," if file else ""
    where += f"line={line}," if line else ""
    return f"::{kind} {where}title={_property(title)}::{escaped(text)}"


def escaped(text: str) -> str:
    """Text as the message of a workflow command has it."""
    # The percent sign first: the others bring some.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    # Both divide the properties of a command.
    return escaped(text).replace(":", "%3A").replace(",", "%2C")
