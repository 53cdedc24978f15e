from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_pipe.render.terminal_text import (
    one_line,
    played_out,
    safe_for_terminal,
    without_escapes,
)
from jupyter_pipe.runs.report.ansi import ansi_html

RED, RESET = "\x1b[31m", "\x1b[0m"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain\n", "plain\n"),
        ("10%\r20%\r100%\n", "100%\n"),
        ("long line\rshort", "shortline"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("50%\r", "50%"),
        ("abc\b\bX", "aX"),
        ("\b\ba", "a"),
        ("\b\ba\b", ""),
        ("abcdef\rxy\bZ", "xZcdef"),
        ("one\ntwo\rTWO\nthree", "one\nTWO\nthree"),
        ("long\r\x1b[Knew", "new"),
        ("long\x1b[2K\rnew", "new"),
        ("abcdef\x1b[3D\x1b[1K", "    ef"),
        ("abcdef\x1b[3DX", "abcXef"),
        ("ab\x1b[2CX", "ab  X"),
        ("abcdef\x1b[2GX", "aXcdef"),
        ("a\x1b[999999999CX", "a" + " " * 199 + "X"),
        (f"{RED}10%\r20%{RESET}", f"{RED}20%{RESET}"),
        (f"abc\r{RED}x", f"{RED}x{RESET}bc{RED}"),
        (f"{RED}red\nstill\rS{RESET}", f"{RED}red\nStill{RESET}"),
        ("up\x1b[Ax\x1b]0;title\x07", "upx"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "link"),
        ("begun \x1b[3", "begun 3"),
        ("begun \x1b", "begun "),
    ],
)
def test_what_a_terminal_would_show(raw: str, shown: str) -> None:
    assert played_out(raw) == shown


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (f"{RED}red{RESET}", "red"),
        ("\x1b[38;5;241mgrey\x1b[39m", "grey"),
        ("\x1b[38:5:241mgrey", "grey"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("\x1bP$q\x1b\\x", "x"),
        ("\x1b(Bx\x1b7", "x"),
    ],
)
def test_escapes_are_removed(raw: str, plain: str) -> None:
    assert without_escapes(raw) == plain


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        (f"{RED}red{RESET} text", f"{RED}red{RESET} text"),
        (f"{RED}red", f"{RED}red{RESET}"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]52;c;AAAA\x07x", "x"),
        ("\x1b[2J\x1b[Hx", "x"),
        ("\x1b[8mhidden", "hidden"),
        ("\x1b[1;8mhidden", "hidden"),
        ("\x1b[38;5;8mgrey", f"\x1b[38;5;8mgrey{RESET}"),
        ("good\rbad", "good\u240dbad"),
        ("a\x07b\x00c\x7f", "a\u2407b\u2400c\u2421"),
        ("\x9b31mx", "\ufffd31mx"),
        ("a\u202etxt.exe", "a\ufffdtxt.exe"),
        ("\ud800", "\ufffd"),
        ("tab\tline\r\nend", "tab\tline\nend"),
        ("naïve 漢字 🎉", "naïve 漢字 🎉"),
    ],
)
def test_what_is_sent_to_a_terminal_can_only_colour(raw: str, safe: str) -> None:
    assert safe_for_terminal(raw) == safe
    assert "\x1b" not in safe_for_terminal(raw, colour=False)


def test_names_have_one_line() -> None:
    assert one_line("a\nb\r\n\tc") == "a b c"


SIMPLE = st.text(st.sampled_from("ab\r\b\n"), max_size=12)
MOVES = [
    "\x1b[K",
    "\x1b[1K",
    "\x1b[2K",
    "\x1b[2D",
    "\x1b[3C",
    "\x1b[2G",
    "\x1b[D",
    "\x1b[A",
    "\x1b]0;t\x07",
    "\x1b[",
]
PIECES = st.sampled_from(
    [
        "a",
        "b",
        " ",
        "xyz",
        "\r",
        "\b",
        "\n",
        "\r\n",
        RED,
        RESET,
        "\x1b[1m",
        *MOVES,
        "\x9b",
        "\x07",
    ]
)
ANYTHING = st.one_of(st.lists(PIECES, max_size=14).map("".join), st.text(max_size=30))


def simulated(text: str) -> str:
    """A terminal written down again, one character after the other."""
    lines = []
    for raw in re.sub("\r\n", "\n", text).split("\n"):
        line, cursor = "", 0
        for character in raw:
            if character == "\r":
                cursor = 0
            elif character == "\b":
                line = line[:-1] if cursor == len(line) else line
                cursor = max(0, cursor - 1)
            else:
                line, cursor = (
                    line[:cursor] + character + line[cursor + 1 :],
                    cursor + 1,
                )
        lines.append(line)
    return "\n".join(lines)


@given(SIMPLE)
def test_short_strings_are_shown_as_by_a_terminal(text: str) -> None:
    assert played_out(text) == simulated(text)


@given(ANYTHING)
def test_what_was_played_out_has_only_colours_and_is_as_it_will_be(text: str) -> None:
    shown = played_out(text)
    assert not set(re.sub(r"\x1b\[[0-9;:]*m", "", shown)) & set("\x1b\r\b")
    assert played_out(shown) == shown
    assert without_escapes(ansi_text(text)) == without_escapes(shown)


@given(ANYTHING)
def test_nothing_but_colours_reaches_a_terminal(text: str) -> None:
    for colour in (True, False):
        safe = safe_for_terminal(text, colour=colour)
        rest = re.sub(r"\x1b\[[0-9;:]*m", "", safe) if colour else safe
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", rest)
        assert safe_for_terminal(safe, colour=colour) == safe


def ansi_text(text: str) -> str:
    """What the report shows, without its markup."""
    import html

    return html.unescape(re.sub(r"<[^>]*>", "", ansi_html(text)))
