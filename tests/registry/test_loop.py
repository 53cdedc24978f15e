"""The loop's models in a real registry: registered, compared, promoted, and what is
left alone."""

from __future__ import annotations

import pytest

from jupyter_pipe.cli.runs.gc import _needed_runs
from jupyter_pipe.loop import LoopSettings
from jupyter_pipe.loop.deciding.actions import Promote
from jupyter_pipe.loop.machine.registry import RegistryModels
from jupyter_pipe.loop.stepping import ChampionChangedError
from jupyter_pipe.registry import Registry
from jupyter_pipe.registry.making import Subject
from jupyter_pipe.runs.store import RunStore
from tests.registry.models import register


@pytest.fixture
def store(filled: Registry) -> RunStore:
    return RunStore(filled.address.root)


@pytest.fixture
def models(store: RunStore) -> RegistryModels:
    return RegistryModels(store, store.root, LoopSettings(model="homes"))


def test_a_version_goes_its_way(
    models: RegistryModels, store: RunStore, filled: Registry
) -> None:
    assert models.champion() is None
    assert models.register("r-good") == 2, (
        "what was registered before a kill is not registered again"
    )
    first = models.compare(1, now=1.0)
    assert (first.verdict, first.champion) == ("better", None)
    models.promote(Promote(1, None, first.reason))
    second = models.compare(2, now=2.0)
    assert (second.verdict, second.champion) == ("better", 1)
    assert "60 rows that neither has seen" in second.reason
    assert models.champion() == 1, "a comparison moves nothing"
    models.promote(Promote(2, 1, second.reason))
    models.promote(Promote(2, 1, second.reason))
    assert filled.aliases("homes") == {"champion": 2, "previous": 1}
    assert filled.find("homes", 2).verdict == second.reason
    # Both are needed: one answers, and a rollback goes to the other.
    assert _needed_runs(store) == {"r-bad", "r-good"}


def test_what_did_not_win_is_rejected_with_the_reason(
    models: RegistryModels, filled: Registry, subjects: dict[str, Subject]
) -> None:
    models.promote(Promote(2, None, "first"))
    made = register(filled, subjects["worse"]).number
    found = models.compare(made, now=1.0)
    assert found.verdict == "worse"
    assert models.rejected() == {made}
    assert filled.find("homes", made).rejected == found.reason
    with pytest.raises(ChampionChangedError, match="was rejected"):
        models.promote(Promote(made, 2, ""))
    assert models.champion() == 2


def test_another_champion_than_the_one_that_was_compared(
    models: RegistryModels, filled: Registry
) -> None:
    filled.point_champion("homes", 2)
    with pytest.raises(ChampionChangedError, match="version 2 by now"):
        models.promote(Promote(1, None, ""))
    assert models.champion() == 2


def test_labels_are_the_evidence(store: RunStore) -> None:
    models = RegistryModels(
        store, store.root, LoopSettings(model="homes", labels="sold.csv")
    )
    labels = store.root / "sold.csv"
    labels.write_text("area,rooms,price\n1,1,4\n")
    before = models.evidence()
    labels.write_text("area,rooms,price\n1,1,4\n2,1,7\n")
    assert before != models.evidence()
    models.promote(Promote(1, None, "first"))
    found = models.compare(2, now=1.0)
    assert (found.verdict, found.evidence) == ("undecided", models.evidence())
