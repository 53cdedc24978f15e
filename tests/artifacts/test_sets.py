"""Rule 10: a set iterates after the trip as before it, or is marked."""

# ruff: noqa: E501 - the stages are code, one case a line

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_pipe.kernel.values.ordered_sets import build, find_recipe, keeps_order
from tests.artifacts.stages import Stages

WORDS = "import random\nr = random.Random(4)\nwords = {f'w{r.randrange(10**6)}' for _ in range(300)}\n"


def test_a_vocabulary_keeps_its_order(stages: Stages) -> None:
    """Case 57."""
    code = (
        WORDS
        + "counts = [len(w) for w in words]; big = {'v': [words], 'f': frozenset({1})}"
    )
    before = stages.run("A", code, "words counts big")
    after = stages.run("B", inputs={"A": "words counts big"})
    unordered = {name for one in stages.results["A"].outputs for name in one.unordered}
    if not unordered:
        assert list(after["words"]) == list(before["words"])
    assert after["words"] == before["words"]
    assert after["big"]["v"][0] is after["words"]
    assert stages.groups("A") == [("words", "big"), ("counts",)]


def test_what_is_not_marked_keeps_its_order(stages: Stages) -> None:
    code = "import random\nr = random.Random(1)\n" + "\n".join(
        f"s{n} = {{str(r.random()) for _ in range({n * 7 + 2})}}\n[s{n}.discard(x) for x in list(s{n})[::3]]"
        for n in range(20)
    )
    names = " ".join(f"s{n}" for n in range(20))
    before = stages.run("A", code, names)
    after = stages.run("B", inputs={"A": names})
    marked = {name for one in stages.results["A"].outputs for name in one.unordered}
    kept = [name for name in names.split() if list(after[name]) == list(before[name])]
    assert set(names.split()) - set(kept) <= marked
    assert len(marked) < 20


def test_a_set_of_instances_is_marked_where_its_order_is_lost(stages: Stages) -> None:
    before = stages.run(
        "A",
        "class O: pass\nO.__module__ = 'json'; import json; json.O = O\ns = {O() for _ in range(30)}",
        "s",
    )
    (stored,) = stages.results["A"].outputs
    assert stored.unordered == (() if keeps_order(before["s"]) else ("s",))


def test_the_stage_may_go_on_with_a_rebuilt_set(stages: Stages) -> None:
    stages.run("A", WORDS, "words")
    check = "words.add('new'); words.discard('new'); n = len(words); words |= {'x'}; assert 'x' in words and ('filler', 0) not in words"
    namespace = stages.run("B", check, inputs={"A": "words"})
    assert namespace["n"] == len(namespace["words"]) - 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-(10**6), 10**6) | st.text(max_size=4), max_size=60), st.data()
)
def test_a_recipe_gives_the_same_set_in_the_same_order(
    items: list[object], data: st.DataObject
) -> None:
    value = set(items)
    for item in (
        data.draw(st.lists(st.sampled_from(items), max_size=20)) if items else ()
    ):
        value.discard(item)
    if not keeps_order(value):
        recipe = find_recipe(value)
        if recipe is not None:
            assert list(build(recipe)) == list(value)


def test_most_sets_have_a_recipe() -> None:
    chosen = random.Random(7)
    lost = 0
    for _ in range(300):
        value = {
            chosen.randrange(10**9) * 31
            for _ in range(chosen.choice([5, 20, 100, 500]))
        }
        lost += not keeps_order(value) and find_recipe(value) is None
    assert lost < 60
