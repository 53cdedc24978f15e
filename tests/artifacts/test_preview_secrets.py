"""A described value shows no part of a secret, wherever the secret stands and texts are
cut."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_pipe.kernel.previews.describing import describe
from jupyter_pipe.kernel.secrets.masker import Masker

SECRET = "Zq7xWv2kLp9sTd4mRb6n"
SHOW = Masker({"TOKEN": SECRET}).text
# Around every length at which texts are cut: cells and items, sentences, texts, what is
# looked at.
CUTS = (80, 300, 4000, 16_000)
PLACES = [cut - back for cut in CUTS for back in (25, 20, 12, 7, 1)]


class Raises:
    """`complain` is raised by whatever is asked of it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        raise ValueError(self.text)

    def _repr_png_(self) -> bytes:
        raise OSError(self.text)


class Draws:
    """A picture that is text."""

    def __init__(self, drawn: str | bytes) -> None:
        self.drawn = drawn

    def _repr_svg_(self) -> str | bytes:
        return self.drawn


def _texts(value: Any) -> str:
    """All that would be shown of it."""
    described = describe(value, SHOW)
    picture = described["picture"]
    drawn = (
        base64.b64decode(picture["data"]).decode(errors="replace") if picture else ""
    )
    return json.dumps(described) + drawn


def _parts_in(text: str) -> list[str]:
    length = 6
    parts = (
        SECRET[start : start + length] for start in range(len(SECRET) - length + 1)
    )
    return [part for part in parts if part in text]


@pytest.mark.parametrize("before", PLACES)
def test_no_part_is_shown_at_a_cut(before: int) -> None:
    text = f"{'x' * before}{SECRET}{'y' * 100}"
    values = [
        text,
        text.encode(),
        [text],
        {text: 1},
        {"a": text},
        Raises(text),
        pd.DataFrame({"a": [text]}),
    ]
    assert [type(value).__name__ for value in values if _parts_in(_texts(value))] == []


@pytest.mark.parametrize("times", [1, 200, 799, 800, 801, 5000])
def test_no_part_is_shown_where_nearly_all_is_hidden(times: int) -> None:
    assert _parts_in(_texts(SECRET * times)) == []


@pytest.mark.parametrize(
    "value",
    [
        pd.DataFrame({SECRET: [1]}),
        pd.Series([1.0], index=[SECRET]),
        pd.Series([SECRET] * 9, dtype="category"),
        pd.DataFrame(
            [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", SECRET), ("b", SECRET)])
        ),
        np.array([SECRET]),
        np.array([(SECRET, 1)], dtype=[("a", "U30"), (SECRET[:10], "i4")])["a"],
        {(1, SECRET): {SECRET}},
        Draws(f"<svg><text>{SECRET}</text></svg>"),
        Draws(f"<svg><text>{SECRET}</text></svg>".encode()),
        type(SECRET, (), {})(),
        type("Named", (), {"__module__": SECRET})(),
    ],
)
def test_no_part_is_shown_of_names_cells_and_pictures(value: Any) -> None:
    assert _parts_in(_texts(value)) == []
