"""A sweep that is killed, and goes on: real runs of a notebook of three cells."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.sweeps.studies import study_folder

pytestmark = pytest.mark.kernel
pytest.importorskip("optuna")

# The third trial waits until the test lets it go on.
FIT = """\
import os, pathlib, time
open("parents.txt", "a").write(f"{os.getppid()} ")
while n == 3 and not pathlib.Path("go").exists():
    time.sleep(0.05)
if n == 4:
    raise ValueError("four")
loss = n + len(base)"""
CELLS = [
    ("n: int = 1", ["parameters"]),
    ("base = [1]\nopen('loads.txt', 'a').write('x')", ["stage:load", "cache:1d"]),
    (FIT, ["stage:fit", "metric:loss", "gate:loss > 2"]),
    ("other = loss + 1\nopen('later.txt', 'w').write('x')", ["stage:later"]),
]


def told_runs(lineage: Path) -> dict[str, int]:
    """How the runs of trials have ended, as far as events in this file say."""
    lines = lineage.read_text().splitlines() if lineage.exists() else []
    events = [json.loads(line) for line in lines if line.endswith("}")]
    runs = [event for event in events if event["job"]["name"] == "w"]
    assert {event["run"]["facets"]["parent"]["job"]["name"] for event in runs} <= {
        "w.loss"
    }
    return dict(
        Counter(event["eventType"] for event in runs if event["eventType"] != "START")
    )


def test_a_killed_sweep_loses_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = nbformat.v4.new_notebook()
    for source, tags in CELLS:
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, metadata={"tags": tags})
        )
    nbformat.write(notebook, tmp_path / "w.ipynb")
    monkeypatch.chdir(tmp_path)
    store = RunStore(tmp_path)
    folder = study_folder(store, "loss")
    command = [
        sys.executable,
        "-m",
        "jupyter_pipe.cli.main",
        "sweep",
        "w.ipynb",
        "-p",
        "n=1..5",
    ]
    lineage = tmp_path / "lineage.jsonl"
    command += [
        "--grid",
        "--minimize",
        "loss",
        "--track",
        f"openlineage+{lineage.as_uri()}",
    ]
    sweep = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    limit = time.monotonic() + 240
    # A trial is noted a moment before its run begins: cut off between the two, it has
    # no run to tell of.
    parents = tmp_path / "parents.txt"
    while not parents.exists() or parents.read_text().count(" ") < 3:
        assert sweep.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.05)
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.wait()
    assert [trial.state for trial in folder.trials()] == [
        "infeasible",
        "succeeded",
        "running",
    ]

    (tmp_path / "go").touch()
    best = tmp_path / "best.yaml"
    assert (
        main(["sweep", "w.ipynb", "--study", "loss", "--resume", "--best", str(best)])
        == 0
    )
    trials = folder.trials()
    assert [(trial.values["n"], trial.state, trial.value) for trial in trials] == [
        (1, "infeasible", 2.0),
        (2, "succeeded", 3.0),
        (3, "succeeded", 4.0),
        (4, "failed", None),
        (5, "succeeded", 6.0),
    ]
    assert len({trial.run_id for trial in trials}) == 5
    assert best.read_text() == "n: 2\n"
    # One process forks the kernels of all trials of a sweep: here of two sweeps.
    assert len(set(parents.read_text().split())) == 2
    # Shared stages once, others not at all.
    assert (tmp_path / "loads.txt").read_text() == "x"
    assert not (tmp_path / "later.txt").exists()
    assert "fit: ValueError: four" in capsys.readouterr().out
    assert "1 failed, 1 infeasible" in folder.report.read_text()
    # Both sweeps had a process that told of their runs: of five trials, and of the one
    # that was cut off.
    limit = time.monotonic() + 240
    while told_runs(lineage) != {"COMPLETE": 3, "FAIL": 2, "ABORT": 1}:
        log = (folder.path / "tracking.log").read_text()
        assert time.monotonic() < limit, f"{told_runs(lineage)} {log}"
        time.sleep(0.05)
    assert main(["sweep", "w.ipynb", "-p", "n=1..5", "--minimize", "los"]) == 2
    assert "Did you mean 'loss'?" in capsys.readouterr().err
