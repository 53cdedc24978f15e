"""A notebook that jupytext keeps as text, from a sweep to the service: as one that
Jupyter keeps."""

from __future__ import annotations

import csv
import http.client
import json
from pathlib import Path

import jupytext
import nbformat
import pytest

from jupyter_pipe.cli.main import main
from tests.scoring.test_notebooks import write_notebook
from tests.serving.service import serving

CELLS = """
# %% parameters
depth: int = 3
# %%
import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeRegressor
# %% stage:collect rows:raw target:price
raw = pd.DataFrame({"area": np.arange(40.0, 130.0), "rooms": np.arange(90) % 5})
raw["price"] = raw["area"] * 3 + raw["rooms"]
# %% stage:train
model = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(raw[["area", "rooms"]], raw["price"])
# %% stage:evaluate score:predicted metric:mae promote:mae
predicted = model.predict(raw[["area", "rooms"]])
mae = float(abs(predicted - raw["price"]).mean())
"""


@pytest.mark.kernel
def test_from_a_sweep_to_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    made = write_notebook(tmp_path / "made.ipynb", CELLS)
    form = "homes.md"
    Path(form).write_text(
        jupytext.writes(nbformat.read(made, 4), "md"), encoding="utf-8"
    )
    made.unlink()
    with Path("new.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("area", "rooms"), (70, 2), (90, 3)])

    assert main(["sweep", form, "-p", "depth=2,4", "--minimize", "mae", "-q"]) == 0
    assert "best" in capsys.readouterr().out
    assert main(["score", form, "new.csv", "-q"]) == 0
    answers = [
        json.loads(line)["predicted"] for line in capsys.readouterr().out.splitlines()
    ]
    assert len(answers) == 2
    assert main(["run", form, "-q"]) == 0
    assert main(["register", "latest"]) == 0
    name = Path(form).name.replace(".", "_")
    assert main(["promote", f"{name}@1"]) == 0
    assert main(["export", "features", form]) == 0
    texts = [
        *Path(f"{name}_features").glob("*.py"),
        *Path(".jupyter_pipe/scorers").glob("*/scorer.py"),
    ]
    about = [path for path in texts if form in path.read_text(encoding="utf-8")]
    assert {path.name for path in about} >= {"scorer.py", f"test_{name}_features.py"}
    assert [
        path for path in texts if ".ipynb" in path.read_text(encoding="utf-8")
    ] == []
    with serving(name, folder=tmp_path) as service:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        rows = json.dumps(
            {"rows": [{"area": 70.0, "rooms": 2}, {"area": 90.0, "rooms": 3}]}
        )
        connection.request("POST", "/score", rows, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    assert answer["predictions"] == answers


def test_a_name_does_not_end_the_docstring() -> None:
    from jupyter_pipe.compiler.codegen.source import in_docstring

    name = '""" + exit() + """\\.ipynb'
    text = f'"""Scores rows as {in_docstring(name)} does."""'
    scope: dict[str, str] = {}
    exec(f"told = {text}", scope)
    assert scope["told"] == f"Scores rows as {name} does."
