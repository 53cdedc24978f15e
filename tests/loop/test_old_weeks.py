"""Which stages of the scenario's notebook run again when a week comes; and that the
scenario finds a cache that reuses too little, or too much. One run, with real
kernels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn")

from jupyter_pipe.cache import plan
from jupyter_pipe.observe.comparison import Comparison
from jupyter_pipe.observe.present import Present
from tests.engine.test_outside import Bench
from tests.loop.scenario import CELLS, READING, check_reuse
from tests.loop.weeks import week_of

pytestmark = pytest.mark.kernel


def feed(folder: Path, number: int) -> None:
    week_of(number).to_csv(folder / "feed" / f"week_{number:02}.csv", index=False)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Four weeks have been read, and the fifth has come."""
    folder = tmp_path_factory.mktemp("weeks")
    (folder / "feed").mkdir()
    for number in range(1, 5):
        feed(folder, number)
    cells = [(" ".join(tags), source) for source, tags in CELLS]
    ingest = next(
        place
        for place, (tags, _) in enumerate(cells)
        if tags.startswith("stage:ingest")
    )
    # Contracts and scorers are not asked for here.
    bench = Bench(folder, [*cells[:ingest], ("stage:ingest", cells[ingest][1])])
    run, reasons = bench.run()
    assert run.exit_code == 0
    assert {*reasons} == {*READING, "ingest"}
    feed(folder, 5)
    return bench


def test_stages_of_old_weeks_are_reused(bench: Bench) -> None:
    planned = bench.planned()
    check_reuse(planned, 5)
    assert "week_05.csv" in planned["second"]
    assert "ingest" in planned


def any_name(own: Callable[..., Any]) -> Callable[..., Any]:
    """A new file in the folder counts for every stage that has looked into it."""
    return lambda self, path, pattern="": own(self, path, "")


def nothing_changed(own: Callable[..., Any]) -> Callable[..., Any]:
    """What a stage has read is not looked at again."""
    return lambda observed, present: Comparison((), None)


@pytest.mark.parametrize(
    ("owner", "name", "mutant", "said"),
    [
        (Present, "names", any_name, "first ran again"),
        (plan, "compare", nothing_changed, "second was reused"),
    ],
    ids=["any file counts", "nothing is looked at"],
)
def test_a_mutant_is_found(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    mutant: Callable[..., Any],
    said: str,
) -> None:
    monkeypatch.setattr(owner, name, mutant(getattr(owner, name)))
    with pytest.raises(AssertionError, match=said):
        check_reuse(bench.planned(), 5)
