"""A few damages of each kind; `python -m tests.hostile.damages` tries thousands."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.damages import DAMAGES, GONE, Damage, Victim, build_victim

pytestmark = pytest.mark.kernel

# What commands read: a run's own files, and what all runs share.
READ = (
    "events.jsonl",
    "run.json",
    "result.json",
    "executed.ipynb",
    "salt",
    "entries",
    "latest",
    "effects.json",
)


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JUPYTER_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield build_victim(tmp_path_factory.mktemp("victim") / "repo")


@pytest.mark.parametrize("kind", [*DAMAGES, *GONE])
def test_a_damaged_store_costs_time_and_nothing_else(
    kind: str, victim: Victim, tmp_path: Path
) -> None:
    rng = random.Random(kind)
    files = [name for name in victim.files if any(word in name for word in READ)]
    for number, name in enumerate(rng.sample(files, 2)):
        damage = Damage(name, kind, rng.randrange(1 << 30))
        assert victim.try_damage(damage, tmp_path / str(number)) == []
