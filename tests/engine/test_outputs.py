from __future__ import annotations

import pytest

from jupyter_pipe.engine.execution.terminal_text import StreamJoiner, redact, strip_ansi, terminal_text


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
        ("one\ntwo\rTWO\nthree", "one\nTWO\nthree"),
    ],
)
def test_what_a_terminal_would_show(raw: str, shown: str) -> None:
    assert terminal_text(raw) == shown


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;5;241mgrey\x1b[39m", "grey"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
    ],
)
def test_escapes_are_removed(raw: str, plain: str) -> None:
    assert strip_ansi(raw) == plain


def stream(text: str, name: str = "stdout") -> dict[str, str]:
    return {"output_type": "stream", "name": name, "text": text}


def test_adjacent_pieces_are_one_output_and_order_is_kept() -> None:
    outputs: list[dict[str, object]] = []
    joiner = StreamJoiner()
    for piece in (stream("a"), stream("b"), stream("!", "stderr"), stream("c")):
        joiner.append(outputs, piece)
    joiner.settle()
    assert [(each["name"], each["text"]) for each in outputs] == [
        ("stdout", "ab"),
        ("stderr", "!"),
        ("stdout", "c"),
    ]


def test_looking_in_between_changes_nothing() -> None:
    outputs: list[dict[str, object]] = []
    joiner = StreamJoiner()
    for piece in ("1%\r", "2%\r", "3%"):
        joiner.append(outputs, stream(piece))
        joiner.settle()
    assert outputs[0]["text"] == "3%"


def test_cleared_outputs_are_not_filled_again() -> None:
    outputs: list[dict[str, object]] = []
    joiner = StreamJoiner()
    joiner.append(outputs, stream("old"))
    outputs.clear()
    joiner.append(outputs, stream("new"))
    joiner.settle()
    assert [each["text"] for each in outputs] == ["new"]


def test_secrets_are_hidden_even_across_pieces() -> None:
    outputs: list[dict[str, object]] = []
    joiner = StreamJoiner(["secret"])
    joiner.append(outputs, stream("a sec"))
    joiner.append(outputs, stream("ret b"))
    joiner.append(outputs, {"output_type": "display_data", "data": {"text/plain": "secret"}})
    assert [each.get("text") or each["data"] for each in outputs] == ["a *** b", {"text/plain": "***"}]
    assert redact("x", [""]) == "x"
