"""A pipeline with its cache computes what a fresh run of the notebook computes,
whatever was edited between.

A short slice of `python -m tests.property.staleness 2000`; and what each kind of
observation is good for: without it, some sequence goes wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.cache import plan
from jupyter_pipe.engine.attempts import attempt as stage_module
from jupyter_pipe.observe.present import Present
from jupyter_pipe.observe.settling import settle
from tests.cases.pipelines import Forks
from tests.property.outside_idioms import READERS
from tests.property.staleness import Tally, try_sequence

pytestmark = pytest.mark.processes

SLICE = 12


def test_no_result_is_stale_and_few_are_made_again_without_need(forks: Forks) -> None:
    tally = Tally()
    for seed in range(SLICE):
        tally.add(try_sequence(forks, seed))
    assert tally.kinds["stale"] == 0, "\n\n".join(tally.details)
    assert tally.needless_share <= 0.05, tally.needless
    assert tally.kinds["equal"] > SLICE // 2


def only(aspect: str, observed: Observations) -> Observations:
    return replace(
        observed, read=tuple(one for one in observed.read if one.aspect != aspect)
    )


class Mutant(NamedTuple):
    """`blind` takes from the observations of each stage what is not to be seen. `kinds`
    are the ways of reading in the notebooks, all if empty; of the sequence `seed` it is
    known that it goes wrong."""

    kinds: str
    seed: int
    blind: Callable[[Observations], Observations]


MUTANTS = {
    "contents": Mutant("computed", 5, lambda seen: only("content", seen)),
    "listings": Mutant("listed globbed walked", 5, lambda seen: only("listing", seen)),
    "presence": Mutant("conditional", 11, lambda seen: only("presence", seen)),
    "times": Mutant("times", 6, lambda seen: only("times", seen)),
    "links": Mutant("links", 3, lambda seen: only("link", seen)),
    "modules": Mutant("modules", 142, lambda seen: replace(seen, modules=())),
    "variables": Mutant("environment", 16, lambda seen: replace(seen, variables=())),
    "the day": Mutant("calendar", 31, lambda seen: replace(seen, calendar="")),
    "programs": Mutant("program", 0, lambda seen: only("content", seen)),
    "writing": Mutant("", 47, lambda seen: replace(seen, written=())),
    "databases": Mutant("sqlite", 7, lambda seen: only("content", seen)),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_without_one_kind_of_observation_results_are_stale(
    forks: Forks, name: str
) -> None:
    kinds, seed, blind = MUTANTS[name]
    chosen = frozenset(kinds.split() or READERS)
    assert chosen <= set(READERS)
    assert try_sequence(forks, seed, kinds=chosen).kind == "equal"

    def settle_blindly(observed: Observations, present: Present) -> Observations:
        return blind(settle(observed, present))

    def nothing_named(observed: Observations, *_: object) -> Observations:
        return observed  # nor is what the code names taken for read

    with (
        patch.object(stage_module, "settle", settle_blindly),
        patch.object(plan, "add_named", nothing_named),
    ):
        assert try_sequence(forks, seed, kinds=chosen).kind == "stale"
