"""A notebook whose data is watched, from its first contract to a drift report: real
runs in a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.store import RunStore

pytestmark = pytest.mark.kernel

PARAMETERS = "factor: float = 1.0"
LOAD = """\
import numpy as np
import pandas as pd

rng = np.random.default_rng(3)
sales = pd.DataFrame({"week": np.repeat(range(1, 9), 100), "area": rng.gamma(3, 30, 800)})
sales.loc[sales["week"] == 7, "area"] *= factor


class Schema:
    def validate(self, frame, lazy):
        assert lazy and (frame["week"] < 9).all(), "a week too many"


schema = Schema()"""
Cells = list[tuple[str, list[str]]]
CELLS: Cells = [
    (PARAMETERS, ["parameters"]),
    (LOAD, ["stage:load", "contract:sales", "contract:sales=schema"]),
    (
        "mean = float(sales['area'].mean())\nprint('fitted')",
        ["stage:fit", "metric:mean"],
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("watched")
    notebook = nbformat.v4.new_notebook()
    for source, tags in CELLS:
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, metadata={"tags": tags})
        )
    nbformat.write(notebook, path / "sales.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.delenv("CI", raising=False)
        yield path


def test_a_notebook_is_watched(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, file = RunStore(folder), folder / "sales.contracts" / "sales.yaml"

    def said(*command: str, code: int = 0) -> str:
        assert main(list(command)) == code
        printed = capsys.readouterr()
        return printed.out + printed.err

    assert "contract_missing" in said("run", "sales.ipynb", "-j", "1")
    assert "written" in said("contract", "init", "sales.ipynb", "--by", "week")
    text = file.read_text()
    assert "by: week" in text
    assert "kept" in said("contract", "init", "sales.ipynb")
    assert file.read_text() == text

    # The profile lacks batches, so the stage runs once; then nothing runs any more.
    assert "load  succeeded" in said("run", "sales.ipynb")
    assert "2 cached" in said("run", "sales.ipynb")
    assert "+ sales is as its contract says" in said("contract", "check", "sales.ipynb")

    broken = said("run", "sales.ipynb", "-p", "factor=10.7639", code=4)
    assert "sales, week 7, column 'area'" in broken
    assert "square feet instead of square metres?" in broken
    assert "fit   skipped" in broken
    run = store.read(store.find("latest"))
    assert run.exit_code == 4
    assert [
        (each.value, each.passed, each.batches) for each in run.stage("load").contracts
    ] == [
        ("sales", False, 8),
        ("sales", True, 0),
    ]
    report = store.folder(run.run_id).report.read_text()
    assert "contract broken" in report
    assert "jpipe-distribution" in report
    assert "! sales, week 7" in said("contract", "check", "sales.ipynb", code=4)

    # Judged again without running the stage, and let through once the contract admits
    # it.
    again = said("run", "sales.ipynb", "-p", "factor=10.7639", code=4)
    assert "load  started" not in again
    assert "+  area:" in said(
        "contract", "accept", "sales.ipynb", "latest", "sales", "--dry-run"
    )
    assert file.read_text() == text
    assert "is wider now" in said(
        "contract", "accept", "sales.ipynb", "latest", "sales"
    )
    let_through = said("run", "sales.ipynb", "-p", "factor=10.7639")
    assert "load  cached" in let_through
    assert "fit   succeeded" in let_through

    drift = said(
        "drift", store.ids()[-1], "latest", "--html", "drift.html", "--all", "--json"
    )
    assert [each["value"] for each in json.loads(drift[drift.index("[") :])] == [
        "sales"
    ]
    assert "jpipe-after" in (folder / "drift.html").read_text()
    said("contract", "export", "sales.ipynb")
    compile((file.parent / "sales_schema.py").read_text(), "schema", "exec")

    file.write_text("polcy: stop\n")
    assert "Did you mean 'policy'?" in said("run", "sales.ipynb", code=2)
    file.write_text("policy: stop\ncolumns:\n  price: {}\n")
    assert "column 'price': expected a column" in said("run", "sales.ipynb", code=4)
