"""What changes a fingerprint, what does not, and how a difference is explained."""

from __future__ import annotations

import pytest

from jupyter_pipe.cache.code import code_digest
from jupyter_pipe.cache.fingerprint import Fingerprint, explain

BASE = Fingerprint(
    code={"replay:f": "d0", "c1": "d1", "c2": "d2"},
    parameters={"n": "10"},
    inputs={"features": "aa"},
    modules={"u.py": "bb"},
    versions={"pandas": "3.1.0"},
    settings={"Python": "3.11"},
)


def changed(**parts: dict[str, str]) -> Fingerprint:
    values = {name: getattr(BASE, name) for name in BASE.__struct_fields__}
    return Fingerprint(**{**values, **parts})


def why(after: Fingerprint) -> str:
    return explain(
        BASE, after, cell_numbers={"c1": 6, "c2": 7}, sources={"features": "clean"}
    )


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (
            changed(code={"replay:f": "d0", "c1": "d1", "c2": "new"}),
            "code changed in cell 7",
        ),
        (
            changed(code={"replay:f": "d0", "c1": "x", "c2": "y"}),
            "code changed in cells 6, 7",
        ),
        (
            changed(code={"replay:f": "new", "c1": "d1", "c2": "d2"}),
            "definition of f changed",
        ),
        (changed(code={"replay:f": "d0", "c1": "d1"}), "cells removed or reordered"),
        (
            changed(code={"replay:f": "d0", "c2": "d2", "c1": "d1"}),
            "cells removed or reordered",
        ),
        (changed(parameters={"n": "20"}), "parameter n: 10 -> 20"),
        (changed(inputs={"features": "zz"}), "input features from clean changed"),
        (changed(modules={"u.py": "zz"}), "u.py changed"),
        (changed(versions={"pandas": "3.1.1"}), "pandas 3.1.0 -> 3.1.1"),
        (changed(settings={"Python": "3.12"}), "Python 3.11 -> 3.12"),
    ],
)
def test_each_component_changes_the_key_and_is_named(
    after: Fingerprint, reason: str
) -> None:
    assert after.key != BASE.key
    assert why(after) == reason


def test_cell_ids_do_not_count() -> None:
    renamed = changed(code={"replay:f": "d0", "other": "d1", "ids": "d2"})
    assert renamed.key == BASE.key
    assert why(renamed) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 1  # why"),
        ("x = 1\ny = 2", "\n\nx = 1\n\n\ny = 2\n"),
        ("f(a,\n  b)", "f(a, b)"),
        ("%matplotlib inline\nx=1", "%matplotlib inline\nx = 1  # one"),
    ],
)
def test_layout_and_comments_do_not_count(before: str, after: str) -> None:
    assert code_digest(before) == code_digest(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 2"),
        ("df", "df;"),
        ("f(a)", "f(b)"),
        ('"# 1"', '"# 2"'),
        ("%pip a", "%pip b"),
    ],
)
def test_meaning_counts(before: str, after: str) -> None:
    assert code_digest(before) != code_digest(after)
