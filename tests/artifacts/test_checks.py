"""Metrics and gates when a stage ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jupyter_pipe.kernel.checks import evaluate_gates, read_metrics, short


class Liar:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(
            (1, 1),
            (1.5, 1.5),
            (True, True),
            ("ok", "ok"),
            (np.float32(0.5), 0.5),
            (np.int8(3), 3),
        ),
        *(
            (np.bool_(False), False),
            (np.array([[2.0]]), 2.0),
            (np.str_("s"), "s"),
            (np.float64(0.25), 0.25),
        ),
    ],
)
def test_metrics_are_plain_values(value: Any, expected: Any) -> None:
    values, errors = read_metrics(["m"], {"m": value})
    assert (values, errors) == ({"m": expected}, {})
    assert type(values["m"]) is type(expected)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), None, [1], np.arange(3), 1j, Liar()]
)
def test_what_is_no_metric_is_told(value: Any) -> None:
    values, errors = read_metrics(["m", "absent"], {"m": value})
    assert values == {}
    assert errors["m"].startswith("Metric 'm' is ")
    assert (
        errors["absent"]
        == "Metric 'absent' has no value when the stage ends; assign it in the stage."
    )


def test_gates_show_what_they_saw() -> None:
    space = {"acc": np.float64(0.81), "limit": 0.9, "np": np, "x": list(range(100))}
    passed, failed, broken, wrong = evaluate_gates(
        ["acc > 0.8", "acc > limit and np.isfinite(acc)", "acc > absent", "acc >"],
        space,
    )
    assert (passed["passed"], passed["values"]) == (True, {"acc": "0.81"})
    assert (failed["passed"], failed["values"]) == (
        False,
        {"acc": "0.81", "limit": "0.9"},
    )
    assert (broken["passed"], broken["error"]) == (
        False,
        "NameError: name 'absent' is not defined",
    )
    assert wrong["error"].startswith("SyntaxError")


def test_a_gate_of_an_array_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    (gate,) = evaluate_gates(["a > 1"], {"a": np.arange(3)})
    assert not gate["passed"]
    assert gate["error"].startswith("ValueError: The truth value of an array")
    assert gate["values"] == {"a": "array([0, 1, 2])"}


def test_long_values_are_cut() -> None:
    assert len(short(list(range(1000)))) == 80
    assert short(Liar()) == "<Liar, repr failed: RuntimeError>"
