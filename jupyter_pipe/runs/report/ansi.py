"""Text with terminal colours as HTML: colours and weights become classes. Pure."""

from __future__ import annotations

from jupyter_pipe.render.markup import escape
from jupyter_pipe.render.terminal_text import COLOUR, played_out

__all__ = ["ansi_html"]

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_NO_COLOUR = 39
_FOREGROUNDS = frozenset({*range(30, 38), *range(90, 98), _NO_COLOUR})


def ansi_html(text: str) -> str:
    """What a terminal would show, escaped; `<span class="ansi-red ansi-bold">` where it
    is coloured."""
    text = played_out(text)
    parts: list[str] = []
    classes: set[str] = set()
    end = 0
    for match in COLOUR.finditer(text):
        parts.append(_span(text[end : match.start()], classes))
        end = match.end()
        classes = _after(classes, match[1])
    parts.append(_span(text[end:], classes))
    return "".join(parts)


def _span(text: str, classes: set[str]) -> str:
    if not text:
        return ""
    if not classes:
        return escape(text)
    return f'<span class="{" ".join(sorted(classes))}">{escape(text)}</span>'


def _after(classes: set[str], codes: str) -> set[str]:
    """The classes once the codes of one sequence are in force."""
    result = set(classes)
    # `ESC[m` without a number is a reset; no code has more digits than fit here.
    numbers = [int(code[:4] or 0) for code in codes.replace(":", ";").split(";")]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            result.clear()
        elif code == 1:
            result.add("ansi-bold")
        elif code == 22:
            result.discard("ansi-bold")
        elif code in {38, 48}:
            # A colour of 256 or of 16 million: its parameters are not codes of their
            # own.
            del numbers[: 2 if numbers[:1] == [5] else 4]
        elif code in _FOREGROUNDS:
            result &= {"ansi-bold"}
            if code != _NO_COLOUR:
                result.add(f"ansi-{_COLOURS[code % 10]}")
    return result
