"""Graphs as nested branches: every stage once and after what it needs, branches joined
where they began."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_pipe.export.branches import Step, steps_of


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Up to seven stages, each after some of those before it."""
    names = [f"s{number}" for number in range(draw(st.integers(0, 7)))]
    return {
        name: draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else []
        for at, name in enumerate(names)
    }


def walked(steps: dict[str, Step], begin: tuple[str, ...], done: list[str]) -> str:
    """Walks branches to the join behind them, or to the end; gives where they met."""
    met = set()
    for first in begin:
        at = first
        while at != "end" and not steps[at].joins:
            done.append(steps[at].stage)
            following = steps[at].following
            at = following[0]
            # Behind a fork its own join comes first, and goes on from there.
            if len(following) > 1:
                (at,) = steps[walked(steps, following, done)].following
        met.add(at)
    (place,) = met
    return place


@given(graphs())
def test_branches_nest_and_hold_the_order(after: dict[str, list[str]]) -> None:
    steps = {step.name: step for step in steps_of(after, "start", "end")}
    done: list[str] = []
    assert walked(steps, ("start",), done) == "end"
    stages = [name for name in done if name]
    assert sorted(stages) == sorted(after)
    for name, before in after.items():
        assert all(stages.index(each) < stages.index(name) for each in before)


def test_parts_that_have_nothing_to_do_with_each_other_do_not_wait() -> None:
    steps = {
        step.name: step
        for step in steps_of({"a": [], "b": ["a"], "x": [], "y": ["x"]}, "start", "end")
    }
    assert steps["start"].following == ("a", "x")
    assert (steps["a"].following, steps["x"].following) == (("b",), ("y",))
    assert steps["b"].following == steps["y"].following == ("join_1",)
    assert steps["join_1"] == Step("join_1", ("end",), joins=True)


def test_steps_of_ours_take_no_name_of_a_stage() -> None:
    names = {
        step.name for step in steps_of({"join_1": [], "fork_1": []}, "start", "end")
    }
    assert names == {"start", "join_1", "fork_1", "join_2"}
