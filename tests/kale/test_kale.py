"""Notebooks in Kale's vocabulary compile unchanged; `tests/examples/test_agreement.py`
runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.compiler import compile_notebook
from jupyter_pipe.model import Pipeline

HERE = Path(__file__).parent
MODELS = ["logistic", "forest", "neighbours", "bayes", "tree"]


@pytest.fixture(scope="module")
def hikers() -> Pipeline:
    return compile_notebook(HERE / "hikers.ipynb").pipeline


@pytest.fixture(scope="module")
def harvest() -> Pipeline:
    return compile_notebook(HERE / "harvest.ipynb").pipeline


def upstream(pipeline: Pipeline) -> dict[str, list[str]]:
    return {
        stage.name: list(pipeline.upstream(stage.name)) for stage in pipeline.stages
    }


def inputs(pipeline: Pipeline, stage: str) -> dict[str, str]:
    return {given.name: given.from_ for given in pipeline.stage(stage).inputs}


def test_a_chain_that_changes_frames_in_a_loop_stays_a_chain(hikers: Pipeline) -> None:
    chain = ["load_data", "title", "age", "pack", "route", "split"]
    found = upstream(hikers)
    assert [found[name] for name in chain] == [[], *([name] for name in chain[:-1])]
    assert inputs(hikers, "route") == {"train_df": "pack", "test_df": "pack"}


def test_five_models_only_wait_for_the_split(hikers: Pipeline) -> None:
    assert [upstream(hikers)[name] for name in MODELS] == [["split"]] * 5
    assert set(upstream(hikers)["results"]) == set(MODELS)


def test_settings_become_parameters_and_prints_become_metrics(hikers: Pipeline) -> None:
    assert [(p.name, p.type_, p.default) for p in hikers.parameters] == [
        ("hiker_count", "int", 600),
        ("test_count", "int", 150),
        ("seed", "int", 3),
    ]
    assert [metric.name for metric in hikers.stage("results").metrics] == [
        "best_score",
        "acc_forest",
    ]


def test_name_and_description_come_from_the_metadata(
    hikers: Pipeline, harvest: Pipeline
) -> None:
    assert (hikers.name, harvest.name) == ("finished-hikes", "harvest")
    assert harvest.description == "A straight line against a curve"


def test_skipped_cells_are_left_out(harvest: Pipeline) -> None:
    assert "look" not in {cell for stage in harvest.stages for cell in stage.cells}


def test_a_class_of_a_functions_cell_is_replayed_where_its_instances_go(
    harvest: Pipeline,
) -> None:
    replayed = {
        name for replay in harvest.stage("choose").replays for name in replay.names
    }
    assert "Scale" in replayed
    assert inputs(harvest, "choose")["scale"] == "prepare"


def test_options_belong_to_their_stage(harvest: Pipeline) -> None:
    assert harvest.stage("curved").options.cache_seconds == 0  # cache:disabled
    assert harvest.stage("straight").options.cache_seconds is None
