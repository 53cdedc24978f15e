"""A pipeline with its cache computes what a fresh run of the notebook computes, whatever was edited between.

A short slice of `python -m tests.property.staleness 2000`; and what each kind of observation is good for:
without it, some sequence goes wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.cache import plan
from jupyter_pipe.engine.attempts import attempt as stage_module
from jupyter_pipe.observe.present import Present
from jupyter_pipe.observe.settling import settle
from tests.cases.pipelines import Forks
from tests.property.outside import READERS
from tests.property.staleness import Tally, try_sequence

SLICE = 12
ENOUGH = 60


def test_no_result_is_stale_and_few_are_made_again_without_need(forks: Forks) -> None:
    tally = Tally()
    for seed in range(SLICE):
        tally.add(try_sequence(forks, seed))
    assert tally.kinds["stale"] == 0, "\n\n".join(tally.details)
    assert tally.needless_share <= 0.05, tally.needless
    assert tally.kinds["equal"] > SLICE // 2


def only(aspect: str, observed: Observations) -> Observations:
    return replace(observed, read=tuple(one for one in observed.read if one.aspect != aspect))


MUTANTS: dict[str, tuple[str, Callable[[Observations], Observations]]] = {
    "contents": ("computed", lambda observed: only("content", observed)),
    "listings": ("listed globbed walked", lambda observed: only("listing", observed)),
    "presence": ("conditional", lambda observed: only("presence", observed)),
    "modules": ("modules", lambda observed: replace(observed, modules=())),
    "variables": ("environment", lambda observed: replace(observed, variables=())),
    "the day": ("calendar", lambda observed: replace(observed, calendar="")),
    "programs": ("program", lambda observed: only("content", observed)),
    "databases": ("sqlite", lambda observed: only("content", observed)),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_without_one_kind_of_observation_results_are_stale(forks: Forks, name: str) -> None:
    kinds, blind = MUTANTS[name]
    chosen = frozenset(kinds.split())
    assert chosen <= set(READERS)

    def settle_blindly(observed: Observations, present: Present) -> Observations:
        return blind(settle(observed, present))

    def nothing_named(observed: Observations, *_: object) -> Observations:
        return observed  # nor is what the code names taken for read

    with patch.object(stage_module, "settle", settle_blindly), patch.object(plan, "add_named", nothing_named):
        trials = (try_sequence(forks, seed, kinds=chosen) for seed in range(ENOUGH))
        assert any(trial.kind == "stale" for trial in trials)


def test_without_its_files_no_stage_is_reused(forks: Forks) -> None:
    """Writing is observed as well: else deleted files stay away, and what is read too early stays wrong."""

    def settle_blindly(observed: Observations, present: Present) -> Observations:
        return replace(settle(observed, present), written=())

    with patch.object(stage_module, "settle", settle_blindly):
        trials = (try_sequence(forks, seed) for seed in range(ENOUGH))
        assert any(trial.kind == "stale" for trial in trials)
