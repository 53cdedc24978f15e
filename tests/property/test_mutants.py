"""Rules that are switched off are missed: those that show at once; `mutants` has them
all."""

from __future__ import annotations

import pytest

from tests.cases.pipelines import Forks
from tests.property.mutants import MUTANTS, Mutant, find_rule, notebooks_until_noticed

pytestmark = pytest.mark.processes

AT_ONCE = (
    "mutation",
    "shared memory",
    "what containers hold",
    "functions of libraries",
)


@pytest.mark.parametrize(
    "mutant", [one for one in MUTANTS if one.name in AT_ONCE], ids=lambda one: one.name
)
def test_a_missing_rule_is_noticed(mutant: Mutant, forks: Forks) -> None:
    assert notebooks_until_noticed(mutant, forks) is not None


def test_there_are_at_least_twenty_rules_to_switch_off() -> None:
    assert len(MUTANTS) >= 20


RULES = [mutant.target for mutant in MUTANTS if not mutant.target.startswith("sys.")]


@pytest.mark.parametrize("target", RULES)
def test_every_rule_that_can_be_switched_off_exists(target: str) -> None:
    assert find_rule(target)
