"""Three notebooks that are one pipeline: run as the documentation says, they come to
what they come to one after another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.store import RunStore

from .agreement import ROOT

BAKERY = ROOT / "example_notebooks" / "bakery"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, as it is committed; the working directory."""
    for name in ("ingest.ipynb", "train.ipynb", "report.ipynb", "pipeline.toml"):
        shutil.copy(BAKERY / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.kernel
def test_the_folder_is_run_as_one_pipeline(folder: Path) -> None:
    assert main(["run", ".", "-p", "days=200", "-p", "train.seed=5"]) == 0
    (run,) = RunStore(folder).list()
    assert set(run.metrics) == {"mae", "takings"}
    page = (folder / "next_week.md").read_text(encoding="utf-8")
    assert f"{run.metrics['takings']:,.2f} € expected" in page
    assert main(["run", ".", "-p", "days=200", "-p", "train.seed=5"]) == 0
    assert {stage.state.value for stage in RunStore(folder).list()[0].stages} == {
        "cached"
    }


@pytest.mark.kernel
def test_the_pipeline_shows_what_the_notebooks_show(folder: Path) -> None:
    assert main(["verify", "pipeline.toml"]) == 0
