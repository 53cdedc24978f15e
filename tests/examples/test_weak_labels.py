"""The example of labelling functions, as its first cell says it is used: vote, merge,
learn."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

import jupyter_pipe
from jupyter_pipe.cli.main import main

from .agreement import ROOT

NOTEBOOK = ROOT / "example_notebooks" / "weak_labels.ipynb"
VOTES = "words,sender,hour,subject"


def merged(
    capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[pd.DataFrame, str]:
    arguments = [
        "votes.csv",
        "--key",
        "ticket",
        "--votes",
        VOTES,
        *options,
        "-o",
        "labels.csv",
    ]
    assert main(["labels", "merge", *arguments]) == 0
    return pd.read_csv("labels.csv"), capsys.readouterr().out


def truth() -> pd.Series[Any]:
    """The team of each ticket, which the notebook's generator knows and its functions
    do not."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    made: dict[str, Any] = {}
    for name in ("imports", "settings", "collect"):
        exec(next(cell.source for cell in cells if cell.id == name), made)
    teams: pd.Series[Any] = made["made"].set_index("ticket")["team"]
    return teams


@pytest.mark.kernel
def test_functions_vote_and_a_model_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(NOTEBOOK, tmp_path)
    first = jupyter_pipe.run("weak_labels.ipynb")
    assert first.metrics["accuracy"] == 0.0
    assert 0.2 < float(first.metrics["conflicts"]) < 0.5
    capsys.readouterr()

    teams = truth()
    right = {}
    for how in ("majority", "dawid-skene"):
        labels, said = merged(capsys, "--by", how)
        right[how] = int((labels["label"] == labels["ticket"].map(teams)).sum())
        assert "agreement (Krippendorff's alpha): 0." in said
    assert right["dawid-skene"] > right["majority"], (
        "who is often alone counts for less"
    )
    assert right["dawid-skene"] > 0.85 * len(labels)

    second = jupyter_pipe.run("weak_labels.ipynb")
    assert float(second.metrics["accuracy"]) > 0.9
    assert second.stage("vote").state.value == "cached", (
        "labels change what is learned, and no vote"
    )

    exported = [
        "labels",
        "export",
        "weak_labels.ipynb",
        "--key",
        "ticket",
        "--suggest",
        "guess",
    ]
    assert main(exported) == 0
    tasks = json.loads(Path("doubtful.tasks.json").read_text())
    assert tasks
    assert len(tasks) < 0.2 * len(labels)
