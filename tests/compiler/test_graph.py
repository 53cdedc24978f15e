from __future__ import annotations

import pytest

from jupyter_pipe.compiler.graph import resolve, rewire, select, topological
from jupyter_pipe.model import (
    Effect,
    EffectKind,
    Gate,
    Learned,
    Metric,
    Pipeline,
    Source,
    Stage,
)

KINDS = {
    "r": EffectKind.reads,
    "b": EffectKind.binds,
    "?": EffectKind.may_bind,
    "d": EffectKind.deletes,
    "m": EffectKind.mutates,
    "D": EffectKind.defines,
    "p": EffectKind.pure,
}


def stage(
    name: str, *effects: str, after: tuple[str, ...] = (), metrics: tuple[str, ...] = ()
) -> Stage:
    """Effects are `kind:name`, the kinds as in KINDS."""
    parsed = tuple(Effect(text.partition(":")[2], KINDS[text[0]]) for text in effects)
    return Stage(
        name,
        (name,),
        name,
        name,
        effects=parsed,
        after=after,
        metrics=tuple(Metric(m) for m in metrics),
    )


def pipeline(*stages: Stage) -> Pipeline:
    wired = Pipeline(1, "p", "python3", Source("p.ipynb", ""), stages=stages)
    return rewire(wired, {})


def edges(*stages: Stage) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(edge.from_, edge.to, edge.names) for edge in resolve(stages).edges]


def test_the_last_writer_before_a_reader_defines_it() -> None:
    stages = stage("a", "b:x"), stage("b", "b:x"), stage("c", "r:x")
    assert edges(*stages) == [("b", "c", ("x",))]
    assert resolve(stages).outputs == {"a": (), "b": ("x",), "c": ()}


def test_a_stage_that_may_bind_passes_the_old_value_on() -> None:
    assert edges(stage("a", "b:x"), stage("b", "?:x"), stage("c", "r:x")) == [
        ("a", "b", ("x",)),
        ("b", "c", ("x",)),
    ]


def test_nothing_is_passed_on_that_nobody_wants() -> None:
    assert edges(stage("a", "b:x"), stage("b", "?:x"), stage("c", "r:y")) == []


def test_a_mutated_input_comes_from_the_mutator() -> None:
    assert edges(stage("a", "b:x"), stage("b", "r:x", "m:x"), stage("c", "r:x")) == [
        ("a", "b", ("x",)),
        ("b", "c", ("x",)),
    ]


def test_pure_silences_a_mutation() -> None:
    assert edges(
        stage("a", "b:x"), stage("b", "r:x", "m:x", "p:x"), stage("c", "r:x")
    ) == [
        ("a", "b", ("x",)),
        ("a", "c", ("x",)),
    ]


def test_replayed_and_deleted_names_are_nobodys_input() -> None:
    assert edges(stage("a", "b:f"), stage("b", "D:f"), stage("c", "r:f")) == []
    assert edges(stage("a", "b:f"), stage("b", "d:f"), stage("c", "r:f")) == []


def test_ambient_state_and_files_make_edges_but_no_inputs() -> None:
    stages = (
        stage("a", "b:@random", "b:file:t.csv"),
        stage("b", "r:@random", "r:file:t.csv"),
    )
    assert edges(*stages) == [("a", "b", ("@random", "file:t.csv"))]
    assert resolve(stages).inputs["b"] == ()


def test_a_file_is_overwritten_after_its_readers() -> None:
    stages = (
        stage("a", "b:file:t"),
        stage("b", "r:file:t"),
        stage("c", "b:file:t"),
        stage("d", "r:file:t"),
    )
    assert edges(*stages) == [
        ("a", "b", ("file:t",)),
        ("a", "c", ("file:t",)),
        ("b", "c", ("file:t",)),
        ("c", "d", ("file:t",)),
    ]


def test_metrics_and_gates_are_stored_where_the_stage_has_them() -> None:
    gated = Stage("b", ("b",), "b", "b", gates=(Gate("score > 1", ("score",)),))
    wiring = resolve((stage("a", "b:score", "b:n", metrics=("n",)), gated))
    assert wiring.outputs["a"] == ("n", "score")
    assert [(i.name, i.from_) for i in wiring.inputs["b"]] == [("score", "a")]


def test_after_adds_an_edge_without_names() -> None:
    assert edges(stage("a"), stage("b", after=("a",))) == [("a", "b", ())]


def test_a_cycle_is_reported_with_its_path() -> None:
    wiring = resolve((stage("a", after=("b",)), stage("b", after=("a",))))
    assert [d.code for d in wiring.diagnostics] == ["PIPE210"]
    assert " -> ".join(("a", "b", "a")) in wiring.diagnostics[0].message


def test_a_learned_effect_rewires_the_readers() -> None:
    before = pipeline(stage("a", "b:x"), stage("b", "r:x"), stage("c", "r:x"))
    assert before.upstream("c") == ("a",)
    after = rewire(before, {"b": Learned(("x",))})
    assert after.upstream("c") == ("b",)
    assert after.stage("b").effects[-1].learned


def test_topological_order_keeps_notebook_order_where_it_can() -> None:
    graph = pipeline(
        stage("a"), stage("b", after=("c",)), stage("c"), stage("d", after=("a",))
    )
    assert [s.name for s in topological(graph)] == ["a", "c", "b", "d"]
    with pytest.raises(ValueError, match="depend on each other"):
        topological(pipeline(stage("a", after=("b",)), stage("b", after=("a",))))


def test_selection_by_target_and_from() -> None:
    graph = pipeline(
        stage("a", "b:x"),
        stage("b", "r:x", "b:y"),
        stage("c", "r:x"),
        stage("d", "r:y"),
    )
    assert select(graph, targets=["d"]) == ("a", "b", "d")
    assert select(graph, from_=["b"]) == ("b", "d")
    assert select(graph, targets=["b"], from_=["a"]) == ("a", "b")
    with pytest.raises(KeyError):
        select(graph, targets=["z"])
