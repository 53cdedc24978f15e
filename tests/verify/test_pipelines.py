"""Which of the values that differ is believed."""

from __future__ import annotations

import pytest

from jupyter_pipe.verify.boundaries import Difference
from jupyter_pipe.verify.pipelines import value_divergence


@pytest.mark.parametrize(
    ("path", "unstable", "is_believed"),
    [
        ("xs['a'][3]", set(), True),
        ("xs['a'][3]", {("fit", "xs")}, False),
        # Another variable, whose name begins this one's.
        ("xs['a'][3]", {("fit", "x")}, True),
        ("x.y", {("fit", "x")}, False),
        # The same name in another stage.
        ("x", {("load", "x")}, True),
        ("größe[0]", {("fit", "größe")}, False),
    ],
)
def test_a_value_that_the_notebook_does_not_repeat_is_no_difference(
    path: str, unstable: set[tuple[str, str]], is_believed: bool
) -> None:
    found = value_divergence([Difference("fit", path, "1", "2")], unstable)
    assert (found is not None) == is_believed
    if found is not None:
        assert (found.stage, found.variable) == ("fit", path)
