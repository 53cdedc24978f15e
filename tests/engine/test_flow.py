"""What a stage is given, as a pure function of results."""

from __future__ import annotations

from jupyter_pipe.artifacts.protocol import (
    AmbientValue,
    ArtifactRef,
    StageResult,
    StoredPayload,
)
from jupyter_pipe.engine.scheduling.results import known_names
from jupyter_pipe.engine.scheduling.stage_inputs import given_to, protected_names
from tests.engine.machines import pipeline, result, stage


def payload(*names: str) -> StoredPayload:
    label = "+".join(names)
    return StoredPayload(ArtifactRef(f"file-{label}", f"digest-{label}", 1), names)


def ambient(component: str, state: str) -> StageResult:
    return StageResult(
        ambient=(AmbientValue(component, ArtifactRef(state, state, 1), "?"),)
    )


def test_names_that_travel_together_are_loaded_once() -> None:
    of = pipeline(stage("a", binds="x y z"), stage("b", reads="x y"))
    given = given_to(of, "b", {"a": StageResult(outputs=(payload("x", "y", "z"),))})
    assert [(sorted(each.names), each.from_stage) for each in given.inputs] == [
        (["x", "y"], "a")
    ]
    assert given.names == ("x", "y")


def test_an_unbound_output_binds_nothing() -> None:
    of = pipeline(stage("a", binds="x y"), stage("b", reads="x y"))
    given = given_to(
        of, "b", {"a": StageResult(outputs=(payload("x"),), unbound=("y",))}
    )
    assert given.names == ("x",)
    assert known_names(StageResult(outputs=(payload("x"),), unbound=("y",))) == {
        "x",
        "y",
    }


def test_the_guard_looks_at_members_that_a_later_stage_reads() -> None:
    """`push` receives only `box`, but `a` lies in the same payload and `use` reads
    it."""
    of = pipeline(
        stage("make", binds="a box"),
        stage("push", reads="box"),
        stage("use", reads="a"),
    )
    results = {"make": StageResult(outputs=(payload("a", "box"),))}
    given = given_to(of, "push", results)
    assert given.names == ("box",)
    assert protected_names(of, "push", given, results) == ("a",)
    assert protected_names(of, "use", given_to(of, "use", results), results) == ()


def test_ambient_state_is_what_the_last_ancestor_left() -> None:
    of = pipeline(
        stage("a", binds="x"), stage("b", reads="x", binds="y"), stage("c", reads="y")
    )
    results = {"a": ambient("random", "one"), "b": ambient("random", "two")}
    given = given_to(of, "c", results)
    assert [(value.ref.artifact, value.from_stage) for value in given.ambient] == [
        ("two", "b")
    ]
    assert given.conflicts == ()


def test_two_that_changed_it_side_by_side_are_named() -> None:
    of = pipeline(stage("a", binds="x"), stage("b", binds="y"), stage("c", reads="x y"))
    results = {"a": ambient("os.cwd", "one"), "b": ambient("os.cwd", "two")}
    given = given_to(of, "c", results)
    assert [value.from_stage for value in given.ambient] == ["b"]
    (warning,) = given.conflicts
    assert warning.code == "ambient_conflict"
    assert "changed by a and by b" in warning.message


def test_what_is_no_ancestor_is_not_heard() -> None:
    of = pipeline(stage("a"), stage("b"))
    assert given_to(of, "b", {"a": ambient("random", "one")}).ambient == ()


def test_two_that_left_the_same_do_not_conflict() -> None:
    of = pipeline(stage("a", binds="x"), stage("b", binds="y"), stage("c", reads="x y"))
    results = {"a": ambient("os.cwd", "same"), "b": ambient("os.cwd", "same")}
    assert given_to(of, "c", results).conflicts == ()
    assert given_to(of, "c", {"a": result("x"), "b": result("y")}).names == ("x", "y")
