from __future__ import annotations

import pytest

from jupyter_pipe.graphs import CycleError, find_cycle, followers, in_order, reachable

DIAMOND = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]


@pytest.mark.parametrize(
    ("starts", "found"),
    [("a", "abcd"), ("b", "bd"), ("bc", "bcd"), ("d", "d"), ("x", "x"), ("", "")],
)
def test_the_starts_and_what_follows_them_are_reachable(
    starts: str, found: str
) -> None:
    assert reachable(starts, followers(DIAMOND)) == set(found)


def test_a_cycle_is_walked_once() -> None:
    assert reachable("a", followers([("a", "b"), ("b", "a")])) == {"a", "b"}


@pytest.mark.parametrize(
    ("names", "before", "ordered"),
    [
        ("abc", {}, "abc"),
        ("abc", {"a": "c"}, "bca"),
        ("abcd", {"a": "b", "b": "d"}, "cdba"),
        ("dcba", {"d": "bc", "b": "a", "c": "a"}, "acbd"),
    ],
)
def test_the_given_order_decides_where_there_is_a_choice(
    names: str, before: dict[str, str], ordered: str
) -> None:
    assert "".join(in_order(names, before)) == ordered


def test_a_cycle_has_no_order_and_says_its_path() -> None:
    with pytest.raises(CycleError, match=r"a -> b -> a|b -> a -> b"):
        in_order("abc", {"a": "b", "b": "a"})
    assert find_cycle({"a": "b", "b": "a"}) in {("a", "b", "a"), ("b", "a", "b")}
    assert find_cycle({"a": "b", "b": "c"}) == ()
