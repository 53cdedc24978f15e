"""The arithmetic of the benchmarks, and that their notebooks are notebooks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from .agreement import ROOT


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import measure

    return measure


@pytest.fixture
def workloads(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import workloads

    return workloads


@pytest.fixture
def density(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import density

    return density


def test_rows_are_medians_and_ratios_are_to_the_baseline(measure: ModuleType) -> None:
    costs = iter([(1, 4), (2, 8), (3, 4), (4, 9), (2, 4), (6, 7)])
    run = {name: lambda: measure.Cost(*next(costs)) for name in ("ours", "theirs")}
    rows = measure.paired("chain", run, rounds=3, quiet=True)
    assert [row.cost for row in rows] == [(2, 4), (4, 8)]
    lines = measure.table(rows, baseline="theirs", markdown=True).splitlines()
    assert lines[2].split("|")[1:-1] == [
        " chain    ",
        " ours      ",
        "  2.00 ",
        "   4.00 ",
        "      0.50 ",
        "       0.50 ",
    ]
    assert len({len(line) for line in lines}) == 1


def cost_of(code: str, folder: Path) -> str:
    """What `measure` says, in a process of its own: it waits for every child that it
    finds."""
    script = f"import sys, measure; print(measure.measure([sys.executable, '-c', {code!r}], folder='.'))"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT / "benchmarks")},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout + ran.stderr


def test_what_an_orphan_burns_is_counted(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.4: pass"
    leave = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {burn!r}])"
    )
    found = re.search(r"cpu=([\d.]+)", cost_of(leave, tmp_path))
    assert found
    assert float(found[1]) > 0.4


def test_a_failing_command_shows_the_end_of_its_output(tmp_path: Path) -> None:
    assert "exited with 3:\nwhy" in cost_of(
        "print('why'); raise SystemExit(3)", tmp_path
    )


def test_the_workloads_are_notebooks_of_the_stated_size(
    workloads: ModuleType, tmp_path: Path
) -> None:
    made = {
        "chain": workloads.chain(20),
        "fan_out": workloads.fan_out(18),
        "wide": workloads.wide(stages=100, cells=1_001),
    }
    for name, cells in made.items():
        nbformat.validate(
            nbformat.read(
                workloads.write_notebook(cells, tmp_path / f"{name}.ipynb"), 4
            )
        )
    assert (
        len(
            {
                tag
                for cell in made["fan_out"]
                for tag in cell["metadata"].get("tags", [])
            }
        )
        == 20
    )
    assert len(made["wide"]) == 1_001


def test_a_package_that_gets_denser_is_told_apart_from_one_that_gets_better(
    density: ModuleType,
) -> None:
    limits = {
        "all": {density.COMMENTS: 3.0, density.BRANCHES: 30},
        "labels": {density.COMMENTS: 2.0, density.BRANCHES: 35},
    }
    better = {"labels": {density.COMMENTS: 2.5, density.BRANCHES: 31}}
    assert not [*density.find_worse(better, limits)]
    worse = {"labels": {density.COMMENTS: 1.9, density.BRANCHES: 36}}
    assert [*density.find_worse(worse, limits)] == [
        ("labels", density.COMMENTS, 2.0),
        ("labels", density.BRANCHES, 35),
    ]
    # A package that is new keeps to the limits of all together.
    new = {"news": {density.COMMENTS: 3.0, density.BRANCHES: 31}}
    assert [*density.find_worse(new, limits)] == [("news", density.BRANCHES, 30)]


def test_what_is_too_dense_is_said_with_where_to_begin(
    density: ModuleType, tmp_path: Path
) -> None:
    rows = "".join(
        f"    if value == {number}:\n        return 1\n" for number in range(20)
    )
    package = tmp_path / "ours" / "labels"
    package.mkdir(parents=True)
    (package / "words.py").write_text(f"def chosen(value):\n{rows}    return 0\n")
    found = density.measure_tree(tmp_path / "ours", tmp_path)
    assert density.densest(found, "labels") == (
        "most paths: ours/labels/words.py:chosen (21); most branches: ours/labels/words.py (48 per 100 lines)"
    )
