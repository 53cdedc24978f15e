"""The command `run` and its kin with real kernels: as few runs as can be."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jupyter_pipe.cli.main import main
from tests.cli.conftest import write_notebook

pytestmark = pytest.mark.kernel
Capture = pytest.CaptureFixture[str]


def test_a_run_and_the_run_after_it(
    small: Path, tmp_path: Path, capsys: Capture
) -> None:
    options = [
        "--json",
        "--junit",
        "out/results.xml",
        "--html",
        "out/report.html",
        "-p",
        "n=5",
    ]
    assert main(["run", str(small), *options]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out.splitlines()[-1])
    assert [(stage["name"], stage["state"]) for stage in result["stages"]] == [
        ("make", "succeeded"),
        ("add", "succeeded"),
    ]
    assert all(Path(stage["notebook"]).exists() for stage in result["stages"])
    assert "gate passed: total < 100 (total = 10)" in captured.err
    assert (Path(result["run_dir"]) / "report.html").exists()
    assert "made 5" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    suite = ElementTree.parse(tmp_path / "out" / "results.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("3", "0")

    assert main(["logs", "latest", "make"]) == 0
    assert "made 5" in capsys.readouterr().out
    assert main(["run", str(small), *options]) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {stage["state"] for stage in again["stages"]} == {"cached"}
    assert main(["compare", result["run_id"], again["run_id"]]) == 0
    assert "metrics" not in capsys.readouterr().out


def printed_by_debugging(path: Path, expression: str) -> str:
    """What `expression` gives when the notebook's cells before the failing one have
    run."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    notebook.cells = [
        *notebook.cells[:-1],
        nbformat.v4.new_code_cell(f"print({expression})"),
    ]
    NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    return "".join(output.text for output in notebook.cells[-1].outputs)


def test_a_failure_shows_cell_and_line_and_can_be_resumed(
    tmp_path: Path, capsys: Capture
) -> None:
    notebook = write_notebook(
        tmp_path / "fails.ipynb",
        [
            ("xs = [1, 2]", ["stage:make"]),
            ("y = 1", ["stage:use"]),
            ("total = sum(xs)\nprint(xs[total])", ["stage:use"]),
            ("print(total)", ["stage:show"]),
        ],
    )
    assert main(["run", str(notebook)]) == 1
    out = capsys.readouterr().out
    assert "use failed in cell 2 of 2, line 2" in out
    assert "   2 | print(xs[total])" in out
    assert "IndexError: list index out of range" in out
    assert "continue   jupyter pipe resume" in out
    assert "Traceback" not in out

    assert main(["debug", "latest", "use"]) == 0
    assert main(["debug", "latest", "use"]) == 2
    assert (
        printed_by_debugging(tmp_path / "debug_fails_use.ipynb", "xs, y")
        == "[1, 2] 1\n"
    )

    notebook.write_text(notebook.read_text().replace("xs[total]", "xs[0]"))
    capsys.readouterr()
    assert main(["resume", "latest", "--json"]) == 0
    states = {
        stage["name"]: stage["state"]
        for stage in json.loads(capsys.readouterr().out)["stages"]
    }
    assert states == {"make": "cached", "use": "succeeded", "show": "succeeded"}


def test_a_failed_gate_ends_with_3_and_names_what_was_seen(
    small: Path, capsys: Capture
) -> None:
    assert main(["run", str(small), "-p", "n=50"]) == 3
    out = capsys.readouterr().out
    assert "gate failed" in out
    assert "total < 100 (total = 1225)" in out


def test_one_stage_after_the_other_as_another_engine_runs_them(
    small: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["compile", str(small)]) == 0
    package = str(small.parent / "small_pipeline")
    options = ["--run-root", str(tmp_path / "shared"), "--run-id", "one"]
    assert main(["run-stage", package, "add", *options]) == 2
    assert "'make' has no result" in capsys.readouterr().err
    assert main(["run-stage", package, "make", *options]) == 0
    assert main(["run-stage", package, "add", *options]) == 0
    assert "add succeeded." in capsys.readouterr().out
