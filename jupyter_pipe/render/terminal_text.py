"""Text with terminal controls: what a terminal would show of it, and what may be sent
to one. Pure.

The one place that knows escape sequences. `played_out` obeys what moves within a line
(carriage return, backspace, erase, cursor) and keeps colours; everything else that a
sequence could ask for is dropped. All of it takes time in proportion to the length of
the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = [
    "COLOUR",
    "json_for_terminal",
    "one_line",
    "played_out",
    "safe_for_terminal",
    "without_escapes",
]

# Those of sequences are compiled when the first text needs them: most runs have none.
# Colours and weights (SGR): the only sequence that stays.
COLOUR = re.compile(r"\x1b\[([0-9;:]*)m")
_SEQUENCE = (
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, erase
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, links, clipboard
    # DCS, SOS, PM, APC: answers that the terminal would type
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]*[0-Z\\`-~]"  # two or three characters
    r"|\x1b[\[\]^_]?"  # begun, not ended
)
_MOVE = r"\x1b\[([0-9]{0,4})[0-9;]*([CDGK])"
_PIECE = rf"{_SEQUENCE}|[\r\b]|[^\x1b\r\b]+"
_MOVING = re.compile(r"[\x1b\r\b]")
_RESET = "\x1b[0m"
# Where a cursor that is sent to the right stops: terminals have an edge.
_EDGE = 200
# A progress bar may set thousands of colours without ever resetting them.
_KEPT_COLOURS = 8
# Controls that would move, ring or answer; overrides of the writing direction; halves
# of surrogate pairs.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"


def without_escapes(text: str) -> str:
    """Without colours and all other escape sequences."""
    return re.sub(_SEQUENCE, "", text) if "\x1b" in text else text


def played_out(text: str) -> str:
    """The lines as they stand after all that was written over them, with their colours.

    A backspace at the end of a line rubs out, as in Jupyter's front ends. Cursor
    movements to other lines are dropped, as they are there.
    """
    text = text.replace("\r\n", "\n")
    # Most lines are at most coloured, and there may be very many of them.
    if not _moves(text):
        return text
    lines, active = [], ""
    for raw in text.split("\n"):
        if not _moves(raw):
            lines.append(raw)
            for match in COLOUR.finditer(raw):
                active = _colours_after(active, match[0])
            continue
        line = _Line(active)
        for piece in re.findall(_PIECE, raw):
            line.take(piece)
        lines.append(line.text())
        active = line.style
    return "\n".join(lines)


def _moves(text: str) -> bool:
    """Whether there is more in the text than characters and colours."""
    return bool(_MOVING.search(COLOUR.sub("", text) if "\x1b" in text else text))


class _Line:
    """One line of a terminal: its characters, the colour of each, and the cursor."""

    def __init__(self, style: str) -> None:
        self.begun = self.style = style
        self._characters: list[str] = []
        self._styles: list[str] = []
        self._cursor = 0

    def take(self, piece: str) -> None:
        """A run of text, a control character or a sequence."""
        if piece == "\r":
            self._cursor = 0
        elif piece == "\b":
            self._step_back()
        elif piece[0] != "\x1b":
            self._write(piece)
        elif COLOUR.fullmatch(piece):
            self.style = _colours_after(self.style, piece)
        elif move := re.fullmatch(_MOVE, piece):
            self._move(move[1], move[2])

    def text(self) -> str:
        """The line, with a colour wherever it changes."""
        parts, style = [], self.begun
        for run, wanted in self._runs():
            parts += [_change(style, wanted), run]
            style = wanted
        return "".join([*parts, _change(style, self.style)])

    def _runs(self) -> Iterator[tuple[str, str]]:
        start = 0
        for place in range(1, len(self._styles) + 1):
            if place == len(self._styles) or self._styles[place] != self._styles[start]:
                yield "".join(self._characters[start:place]), self._styles[start]
                start = place

    def _write(self, run: str) -> None:
        gap = self._cursor - len(self._characters)
        if gap > 0:
            self._characters += " " * gap
            self._styles += [""] * gap
        end = self._cursor + len(run)
        self._characters[self._cursor : end] = run
        self._styles[self._cursor : end] = [self.style] * len(run)
        self._cursor = end

    def _step_back(self) -> None:
        if self._cursor == len(self._characters):
            del self._characters[-1:], self._styles[-1:]
        self._cursor = max(self._cursor - 1, 0)

    def _move(self, number: str, what: str) -> None:
        if what == "K":
            self._erase(number)
            return
        steps = int(number or 1) or 1
        edge = max(_EDGE, len(self._characters))
        wanted = {"C": self._cursor + steps, "D": self._cursor - steps, "G": steps - 1}[
            what
        ]
        self._cursor = min(max(wanted, 0), edge)

    def _erase(self, which: str) -> None:
        """To the end of the line (0), from its beginning (1), or all of it (2); the
        cursor stays."""
        if which == "1":
            upto = min(self._cursor + 1, len(self._characters))
            self._characters[:upto] = " " * upto
            self._styles[:upto] = [""] * upto
        else:
            begin = 0 if which == "2" else self._cursor
            del self._characters[begin:], self._styles[begin:]


def _colours_after(style: str, sequence: str) -> str:
    """The sequences in force: those since the last reset, the newest few."""
    codes = sequence[2:-1]
    if not codes.strip("0;:"):
        return ""
    kept = [each for each in _colours(style) if each != sequence]
    return "".join([*kept[1 - _KEPT_COLOURS :], sequence])


def _colours(style: str) -> list[str]:
    return [match[0] for match in COLOUR.finditer(style)]


def _change(style: str, wanted: str) -> str:
    if style == wanted:
        return ""
    return (
        wanted
        if wanted.startswith(style) and style
        else (_RESET if style else "") + wanted
    )


def safe_for_terminal(text: str, *, colour: bool = True) -> str:
    """What can be sent to a terminal, whoever wrote it: text, line ends, tabs and, if
    wanted, colours.

    Controls become visible signs; nothing moves the cursor, sets a title, hides or
    answers.
    """
    # Line ends are the only thing that most texts have besides what can be printed.
    if text.replace("\n", "").isprintable() or not re.search(_UNSAFE, text):
        return text
    parts, end, coloured = [], 0, False
    for match in re.finditer(_SEQUENCE, text):
        parts.append(_visible(text[end : match.start()]))
        end = match.end()
        if colour and _is_plain_colour(match[0]):
            parts.append(match[0])
            coloured = match[0] not in {_RESET, "\x1b[m"}
    parts.append(_visible(text[end:]))
    return "".join([*parts, _RESET if coloured else ""])


def json_for_terminal(text: str) -> str:
    """JSON that means the same, without characters that a terminal could obey. They
    stand in strings only."""
    return re.sub(_UNSAFE, lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    """A name or message for a place that has room for one line: line ends and tabs are
    blanks."""
    return re.sub(r"[\t\n\r]+", " ", text)


def _visible(text: str) -> str:
    return re.sub(_UNSAFE, _sign, text.replace("\r\n", "\n"))


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def _is_plain_colour(sequence: str) -> bool:
    """Whether it colours without hiding (8), so that what is there can be seen."""
    found = COLOUR.fullmatch(sequence)
    if found is None:
        return False
    codes = re.sub(r"[345]8[;:](5[;:]\d*|2([;:]\d*){3})", "", found[1])
    return "8" not in re.split(r"[;:]", codes.replace("08", "8"))
