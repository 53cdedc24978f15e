"""Where the command line prints, and what that place can show: colour, live lines,
width, symbols.

No colour in pipes or with NO_COLOR; nothing live in CI. Everything that is printed goes
through `Terminal`, so that quiet and verbose mean the same in every command.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from argparse import Namespace
from typing import TextIO

from jupyter_pipe.render.marks import Mark
from jupyter_pipe.render.terminal_text import (
    json_for_terminal,
    one_line,
    safe_for_terminal,
)

__all__ = ["Terminal"]

# Tones of states -> codes of ANSI colours.
_CODES = {
    "good": "32",
    "bad": "31",
    "warn": "33",
    "busy": "34",
    "quiet": "2",
    "strong": "1",
}
QUIET, NORMAL, VERBOSE = -1, 0, 1


class Terminal:
    """`verbosity` is -1 (errors and results), 0 or 1."""

    def __init__(
        self,
        out: TextIO | None = None,
        *,
        verbosity: int = NORMAL,
        colour: bool | None = None,
        live: bool | None = None,
        width: int | None = None,
    ) -> None:
        self.out = out or sys.stdout
        self.verbosity = verbosity
        self.colour = _shows_colour(self.out) if colour is None else colour
        self.live = _is_live(self.out) if live is None else live
        # In a pipe nobody knows the width.
        self.width = width or shutil.get_terminal_size((100, 24)).columns
        self.in_github = os.environ.get("GITHUB_ACTIONS") == "true"
        self.symbols = (
            (getattr(self.out, "encoding", None) or "ascii").lower().startswith("utf")
        )

    @classmethod
    def of(cls, args: Namespace, out: TextIO | None = None) -> Terminal:
        """The terminal for parsed arguments."""
        verbosity = int(getattr(args, "verbose", False)) - int(
            getattr(args, "quiet", False)
        )
        return cls(out, verbosity=verbosity)

    def result(self, text: str) -> None:
        """What the command was asked for."""
        self._write(text)

    def record(self, data: bytes | str) -> None:
        """JSON for programs: exact, with every character that a terminal could obey
        written as an escape."""
        text = data if isinstance(data, str) else data.decode()
        self._print(json_for_terminal(text.rstrip()))

    def command(self, text: str) -> None:
        """A workflow command of GitHub Actions."""
        self._print(text)

    def say(self, text: str) -> None:
        """What `--quiet` leaves out."""
        if self.verbosity >= NORMAL:
            self._write(text)

    def detail(self, text: str) -> None:
        """What only `--verbose` shows."""
        if self.verbosity >= VERBOSE:
            self._write(text)

    def style(self, text: str, tone: str) -> str:
        """`text` in the colour of `tone`, if colours show."""
        return f"\x1b[{_CODES[tone]}m{text}\x1b[0m" if self.colour and text else text

    def mark(self, mark: Mark) -> str:
        """The shape of a state."""
        return self.style(mark.glyph if self.symbols else mark.ascii, mark.tone)

    def table(self, rows: list[list[str]], *, heading: list[str] | None = None) -> str:
        """Left-aligned columns, plain text, the last one as long as it is."""
        all_rows = [
            *([heading] if heading else []),
            *([_cell(text) for text in row] for row in rows),
        ]
        widths = [
            max(len(row[column]) for row in all_rows)
            # The last column needs no width: nothing stands behind it.
            for column in range(len(all_rows[0]) - 1)
        ]
        lines = []
        for number, row in enumerate(all_rows):
            cells = [
                text.ljust(width) for text, width in zip(row, widths, strict=False)
            ]
            line = "  ".join([*cells, row[-1]]).rstrip()
            lines.append(self.style(line, "quiet") if heading and number == 0 else line)
        return "\n".join(lines)

    def _write(self, text: str) -> None:
        """Whatever is in it, a terminal only shows it, and GitHub takes none of it for
        a command."""
        text = safe_for_terminal(text, colour=self.colour)
        self._print(_without_commands(text) if self.in_github else text)

    def _print(self, text: str) -> None:
        try:
            self.out.write(f"{text}\n")
        except UnicodeEncodeError:
            encoding = self.out.encoding or "ascii"
            # A terminal that is not UTF-8 shows a question mark instead of failing.
            self.out.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        self.out.flush()


def _cell(text: str) -> str:
    return safe_for_terminal(one_line(text), colour=False)


def _without_commands(text: str) -> str:
    """GitHub obeys lines that begin with two colons, and `##[` anywhere; a word joiner
    keeps it from that."""
    return re.sub(r"(?m)^(\s*):(?=:)", "\\1:\u2060", text).replace("##[", "##\u2060[")


def _is_live(out: TextIO) -> bool:
    return (
        out.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
    )


def _shows_colour(out: TextIO) -> bool:
    # See no-color.org; it wins over FORCE_COLOR.
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return out.isatty() and os.environ.get("TERM") != "dumb"
