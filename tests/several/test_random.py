"""Random notebooks, joined and run by real kernels, against the same notebooks one
after another."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.engine import RunRequest, run_pipeline
from jupyter_pipe.engine.targets import open_several
from jupyter_pipe.runs.model import RunOptions
from tests.several.shop import executed_outputs
from tests.several.worlds import (
    Sketch,
    edited,
    make_world,
    prints_one_after_another,
    write_world,
)

pytestmark = pytest.mark.kernel

SEEDS = range(100, 106)


def test_the_worlds_are_worth_running() -> None:
    worlds = [make_world(seed) for seed in SEEDS]
    assert any(sketch.takes for world in worlds for sketch in world)
    assert len({sketch.folder for world in worlds for sketch in world}) > 1
    assert any(
        "open(" in source
        for world in worlds
        for sketch in world
        for source, _ in sketch.cells
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_joined_notebooks_print_what_they_print_one_after_another(
    seed: int, tmp_path: Path
) -> None:
    world = make_world(seed)
    check(tmp_path, world, "first")
    edited(world, seed)
    check(tmp_path, world, "second")


def check(folder: Path, world: list[Sketch], turn: str) -> None:
    together = folder / "together"
    target = open_several(write_world(together, world))
    run = run_pipeline(RunRequest(target=target, options=RunOptions(workers=2)))
    failures = {
        stage.name: stage.failure.evalue for stage in run.stages if stage.failure
    }
    assert run.exit_code == 0, failures
    alone = folder / turn
    alone.mkdir()
    expected = prints_one_after_another(alone, world)
    found = executed_outputs(target.store.folder(run.run_id).path, target.pipeline)
    printed = {
        name: "".join(text for cell in cells for kind, text in cell if kind == "stream")
        for name, cells in found.items()
    }
    assert printed == {name: expected[name] for name in printed}
    for file in ("one.txt", "two.txt"):
        assert (together / file).exists() == (alone / file).exists()
        if (alone / file).exists():
            assert (together / file).read_text() == (alone / file).read_text()
