"""What is the same in two outputs, although the text differs."""

from __future__ import annotations

import pytest

from jupyter_pipe.verify.outputs import normalise


def shown(text: str) -> object:
    return normalise([{"output_type": "execute_result", "data": {"text/html": text}}])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('<td id="T_1a2b3_row0_col0">', '<td id="T_9f8e7_row0_col0">'),
        ("#T_1a2b3 { color: red }", "#T_9f8e7 { color: red }"),
        ("<object at 0x7f00aa12>", "<object at 0x7f00bb34>"),
        ('<div id="sk-container-id-1">', '<div id="sk-container-id-7">'),
    ],
)
def test_ids_and_addresses_do_not_count(one: str, other: str) -> None:
    assert shown(one) == shown(other)


def test_content_counts() -> None:
    assert shown("T_1a2b3_row0_col0 1.5") != shown("T_1a2b3_row0_col0 1.6")
