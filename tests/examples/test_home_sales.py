"""The feed behind home_value.ipynb: the same sales every time, with the flaws that its
docstring names."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from .agreement import ROOT


@pytest.fixture(scope="module")
def feed() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "home_sales", ROOT / "example_notebooks" / "home_sales.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_week_always_holds_the_same_sales(feed: ModuleType) -> None:
    pd.testing.assert_frame_equal(feed.batch(4), feed.batch(4))


def test_a_batch_repeats_the_end_of_the_week_before(feed: ModuleType) -> None:
    assert list(feed.batch(3)["sale_id"][:6]) == list(feed.batch(2)["sale_id"][-6:])
    assert feed.batch(1)["sale_id"].is_unique


def test_the_schema_changes_late(feed: ModuleType) -> None:
    before, after = feed.batch(feed.SCHEMA_CHANGE - 1), feed.batch(feed.SCHEMA_CHANGE)
    assert "area" in before
    assert "area" not in after
    assert after["living_area"].median() > 9 * before["area"].median()


def test_values_are_missing_and_implausible(feed: ModuleType) -> None:
    sales = pd.concat([feed.batch(week) for week in range(1, 9)])
    assert sales[["lot_area", "built"]].isna().any().all()
    assert (sales["area"] > 500).any()
    assert (sales["price"] < 2000).any()


def test_missing_files_are_written_and_others_left_alone(
    feed: ModuleType, tmp_path: Path
) -> None:
    feed.weekly_batches(tmp_path, 2)
    (tmp_path / "week_01.csv").write_text("mine")
    paths = feed.weekly_batches(tmp_path, 3)
    assert [path.name for path in paths] == [
        "week_01.csv",
        "week_02.csv",
        "week_03.csv",
    ]
    assert paths[0].read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        path.name for path in paths
    ]
