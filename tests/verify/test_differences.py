"""The first part in which two values differ, as people would write it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_pipe.kernel.values.differences import first_difference


@dataclass
class Point:
    x: float
    tags: tuple[str, ...] = ()


class Cached:
    def __init__(self, data: list[int]) -> None:
        self.data = data

    @functools.cached_property
    def total(self) -> int:
        return sum(self.data)


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "b": ["x", "y"], **columns})


@pytest.mark.parametrize(
    ("expected", "found", "path", "before", "after"),
    [
        (1, 2, "v", "1", "2"),
        (1, 1.0, "v", "1 (int)", "1.0 (float)"),
        ({"k": [0, 7]}, {"k": [0, 8]}, "v['k'][1]", "7", "8"),
        ({"k": 1}, {"k": 1, "l": 2}, "len(list(v))", "1", "2"),
        ([1], [1, 2], "len(v)", "1", "2"),
        ({1, 2}, {1, 3}, "v[0]", "'2'", "'3'"),
        (Point(1.0, ("a",)), Point(1.0, ("b",)), "v.tags[0]", "'a'", "'b'"),
        (Slotted(1), Slotted(2), "v.value", "1", "2"),
        (np.arange(3), np.array([0, 1, 5]), "v[2]", "2", "5"),
        (np.zeros((2, 2)), np.zeros((2, 3)), "v.shape[1]", "2", "3"),
        (np.zeros(2, "f4"), np.zeros(2, "f8"), "v.dtype", "'float32'", "'float64'"),
        (frame(), frame(a=[1, 3]), "v['a'].iloc[1]", "2", "3"),
        (frame(), frame(c=0), "len(v.columns)", "2", "3"),
        (frame(), frame().set_axis([5, 6]), "v.index", None, None),
    ],
)
def test_names_the_part(
    expected: Any, found: Any, path: str, before: str, after: str
) -> None:
    difference = first_difference(expected, found, "v")
    assert difference is not None
    if before is None:
        assert difference.path.startswith(path)
    else:
        assert difference == (path, before, after)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (float("nan"), float("nan")),
        ([{"a": (1, None)}], [{"a": (1, None)}]),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan])),
        (frame(c=[None, np.nan]), frame(c=[None, np.nan])),
        (
            np.arange(6).reshape(2, 3).T,
            np.ascontiguousarray(np.arange(6).reshape(2, 3).T),
        ),
        (len, len),
    ],
)
def test_equal_content_is_no_difference(expected: Any, found: Any) -> None:
    assert first_difference(expected, found, "v") is None


def test_a_value_that_holds_itself() -> None:
    one: list[Any] = [1]
    other: list[Any] = [1]
    one.append(one)
    other.append(other)
    assert first_difference(one, other, "v") is None


def test_a_filled_cache_counts_only_where_both_have_it() -> None:
    plain, filled = Cached([1, 2]), Cached([1, 2])
    assert filled.total == 3
    assert first_difference(plain, filled, "v") is None
