"""Gates and metrics that changed since a result was made: answered from its metrics, or
the stage runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_pipe.artifacts.protocol import GateResult, StageResult
from jupyter_pipe.cache.demands import answer_demands
from jupyter_pipe.model import Gate, Metric, Stage

METRICS = {"mae": 20.5, "r2": 0.9, "rows": 12, "best": "forest", "ok": True}
RESULT = StageResult(
    metrics=METRICS, gates=(GateResult("mae < 25", True, {"mae": "20.5"}),)
)


def stage(*gates: str, metrics: tuple[str, ...] = ("mae",)) -> Stage:
    return Stage(
        "fit",
        ("c1",),
        "nb/fit.py",
        "notebooks/fit.ipynb",
        gates=tuple(Gate(gate) for gate in gates),
        metrics=tuple(Metric(name) for name in metrics),
    )


def test_the_same_gate_needs_nothing() -> None:
    assert answer_demands(stage("mae < 25"), RESULT) is RESULT


@pytest.mark.parametrize(
    "gate",
    [
        "mae < 21",
        "mae < 25 and r2 > 0.8",
        "mae > 90 or best == 'forest'",
        "0 < r2 <= 1",
        "not mae > 90",
        "mae / rows < 2",
        "-mae < 0",
        "rows != 13",
        "ok",
    ],
)
def test_a_gate_over_metrics_is_answered_without_running(gate: str) -> None:
    answered = answer_demands(stage(gate, "mae < 25"), RESULT)
    assert isinstance(answered, StageResult)
    assert [(each.expression, each.passed) for each in answered.gates] == [
        (gate, True),
        ("mae < 25", True),
    ]


def test_a_gate_that_went_is_not_shown() -> None:
    answered = answer_demands(stage(), RESULT)
    assert isinstance(answered, StageResult)
    assert answered.gates == ()


@pytest.mark.parametrize(
    "gate",
    [
        "mae < 20",  # false: the stage runs, and fails where it can be seen
        "table.shape[0] > 3",
        "len(best) > 2",
        "all(mae < limit for limit in limits)",
        "__import__('os').system('true') == 0",
        "(lambda: True)()",
        "mae < other",
        "best > 3",
        "rows / 0 > 1",
        "best * 10 ** 9 == ''",
        "mae in (1, 2)",
        "f'{mae}' == ''",
    ],
)
def test_any_other_gate_makes_the_stage_run(gate: str) -> None:
    assert answer_demands(stage(gate), RESULT) == f"gate {gate} is new"


def test_a_metric_that_the_result_lacks_makes_the_stage_run() -> None:
    assert (
        answer_demands(stage("mae < 25", metrics=("mae", "spread")), RESULT)
        == "metric spread is new"
    )


NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.floats(-5, 5, allow_nan=False),
    st.sampled_from(["mae", "r2", "rows"]),
)
COMPARED = st.builds(
    lambda a, op, b: f"({a} {op} {b})",
    NUMBERS,
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    NUMBERS,
)
GATES = st.recursive(
    COMPARED,
    lambda inner: st.one_of(
        st.builds(
            lambda a, op, b: f"({a} {op} {b})",
            inner,
            st.sampled_from(["and", "or"]),
            inner,
        ),
        inner.map(lambda text: f"(not {text})"),
    ),
    max_leaves=5,
)


@given(GATES)
def test_it_says_what_python_says(gate: str) -> None:
    wanted = bool(eval(gate, {}, dict(METRICS)))
    answered = answer_demands(stage(gate), RESULT)
    assert isinstance(answered, StageResult) is wanted
