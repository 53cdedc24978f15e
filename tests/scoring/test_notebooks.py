"""A notebook on disk: run as a pipeline, its scorer proved on the values of the run,
and used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from tests.scoring.harness import cells_of

pytestmark = pytest.mark.processes
STAGES = """
# %%
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
# %% stage:collect rows:raw target:price
rng = np.random.default_rng(3)
raw = pd.DataFrame({"area": rng.normal(80, 20, 90), "rooms": rng.integers(1, 6, 90)})
raw["price"] = raw["area"] * 3 + raw["rooms"]
raw.loc[::7, "area"] = np.nan
# %% stage:prepare
homes = raw[raw["price"] > 0].copy()
homes["area"] = homes["area"].fillna(homes["area"].median())
# %% stage:train
model = RandomForestRegressor(5).fit(homes[["area", "rooms"]], homes["price"])
# %% stage:evaluate score:predicted
predicted = model.predict(homes[["area", "rooms"]])
"""


def write_notebook(path: Path, text: str) -> Path:
    """The notebook that a text stands for, as a file."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{n}",
            "source": source,
            "metadata": {"tags": tags},
            "outputs": [],
        }
        | {"execution_count": None}
        for n, (source, tags) in enumerate(cells_of(text))
    ]
    kernel = {"name": "python3", "display_name": "Python", "language": "python"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_the_model_of_the_run_is_the_model_of_the_scorer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The forest is not seeded: fitted again it would be another, so it must be the one
    that the run kept."""
    notebook = write_notebook(tmp_path / "homes.ipynb", STAGES)
    assert main(["verify", str(notebook), "--score", "-q"]) == 0
    assert "can do without price" in capsys.readouterr().out
    rows = tmp_path / "new.csv"
    rows.write_text("area,rooms\n70,2\n,3\n", encoding="utf-8")
    assert main(["score", str(notebook), str(rows), "-q"]) == 0
    answers = [
        json.loads(line)["predicted"] for line in capsys.readouterr().out.splitlines()
    ]
    assert len(answers) == 2
    assert (
        main(
            [
                "score",
                str(tmp_path / ".jupyter_pipe" / "scorers" / "homes"),
                str(rows),
                "-q",
            ]
        )
        == 0
    )
    assert [
        json.loads(line)["predicted"] for line in capsys.readouterr().out.splitlines()
    ] == answers
