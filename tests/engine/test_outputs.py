from __future__ import annotations

import pytest

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.engine.execution.output_joining import StreamJoiner


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


SECRET = Masker({"T": "secret-word"})


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        ([("a secret-", "stdout"), ("word b", "stdout")], ["a *** b"]),
        ([("a secret-", "stdout"), ("word b", "stderr")], ["a ***", "*** b"]),
        (
            [("a sec", "stdout"), ("ret-", "stderr"), ("word b", "stdout")],
            ["a ***", "***", "*** b"],
        ),
        ([("secret-x\bword", "stdout")], ["***"]),
        ([("xxxxxx-word\rsecret", "stdout")], ["***"]),
        ([("\x1b[31msecret\x1b[0m-word", "stdout")], ["\x1b[31m***"]),
        ([("secret-", "stdout"), ("w", "stdout")], ["secret-w"]),
    ],
)
def test_secrets_are_hidden_even_across_pieces(
    pieces: list[tuple[str, str]], shown: list[str]
) -> None:
    outputs: list[dict[str, object]] = []
    joiner = StreamJoiner(SECRET)
    for text, name in pieces:
        joiner.append(outputs, stream(text, name))
    joiner.settle()
    assert [each["text"] for each in outputs] == shown


def test_what_has_not_been_looked_at_is_not_there_to_be_saved() -> None:
    outputs: list[dict[str, object]] = []
    StreamJoiner(SECRET).append(outputs, stream("secret-word"))
    assert outputs[0]["text"] == ""
