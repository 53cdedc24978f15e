"""Text with terminal codes as HTML: colours and weights become classes, everything else is dropped.

Carriage returns and backspaces are played out as a terminal would, so that a progress bar is its
last state.
"""

from __future__ import annotations

import re
from html import escape

__all__ = ["ansi_html", "played_out"]

_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def ansi_html(text: str) -> str:
    """Escaped HTML with `<span class="ansi-red ansi-bold">` around what is coloured."""
    parts: list[str] = []
    classes: set[str] = set()
    end = 0
    for match in _SEQUENCE.finditer(text):
        parts.append(_span(text[end : match.start()], classes))
        end = match.end()
        if match[1] is not None:
            classes = _after(classes, match[1])
    parts.append(_span(text[end:], classes))
    return "".join(parts)


def played_out(text: str) -> str:
    """The lines as they stand after carriage returns and backspaces."""
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(_line(line) for line in text.replace("\r\n", "\n").split("\n"))


def _line(line: str) -> str:
    shown = ""
    for number, piece in enumerate(line.split("\r")):
        shown = piece + shown[len(piece) :] if number else piece
    return _without_backspaces(shown)


def _without_backspaces(line: str) -> str:
    shown: list[str] = []
    for char in line:
        if char != "\b":
            shown.append(char)
        elif shown:
            shown.pop()
    return "".join(shown)


def _span(text: str, classes: set[str]) -> str:
    if not text:
        return ""
    if not classes:
        return escape(text)
    return f'<span class="{" ".join(sorted(classes))}">{escape(text)}</span>'


def _after(classes: set[str], codes: str) -> set[str]:
    """The classes once the codes of one sequence are in force."""
    result = set(classes)
    numbers = [int(code or 0) for code in codes.split(";")]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            result.clear()
        elif code == 1:
            result.add("ansi-bold")
        elif code == 22:
            result.discard("ansi-bold")
        elif code in {38, 48}:
            # A colour of 256 or of 16 million: its parameters are not codes of their own.
            del numbers[: 2 if numbers[:1] == [5] else 4]
        elif code == 39 or 30 <= code <= 37 or 90 <= code <= 97:
            result = {name for name in result if name == "ansi-bold"}
            if code != 39:
                result.add(f"ansi-{_COLOURS[code % 10]}")
    return result
