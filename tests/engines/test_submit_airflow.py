"""Pipelines handed to an Airflow on this machine, and their state brought back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.events import StageStarted
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit.following import is_followed
from jupyter_pipe.submit.submission import find_submission
from tests.cli.conftest import write_notebook
from tests.engines.standalone import Standalone, standalone
from tests.engines.trial import (
    LIMIT_SECONDS,
    NAME,
    WORD,
    check_failing,
    is_started,
    newest_run,
    wait,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(2 * LIMIT_SECONDS)]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """One server for all of them, whose workers have the secret and a place for
    marks."""
    program = Path(os.environ["AIRFLOW_PYTHON"]).with_name("airflow")
    marks = tmp_path_factory.mktemp("marks")
    home = tmp_path_factory.mktemp("home") / "airflow"
    with standalone(home, program, MARKS=str(marks), TOKEN="sesame-open") as running:
        yield running


@pytest.fixture(autouse=True)
def settings(
    airflow: Standalone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration `team` that names the server. Nobody has to log in."""
    path = tmp_path / "config" / "jupyter_pipe" / "engines.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        f'[team]\nengine = "airflow"\nurl = "{airflow.address}"\ndags = "{airflow.dags}"\n'
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def task_instances(airflow: Standalone, run: Run) -> dict[str, dict[str, Any]]:
    found = find_submission(RunStore(Path()), run.run_id)
    assert found is not None
    dag = found.started.handle["dag"]
    tasks = airflow.ask(f"/dags/{dag}/dagRuns/{run.run_id}/taskInstances")[
        "task_instances"
    ]
    return {task["task_id"]: task for task in tasks}


def seconds_behind(airflow: Standalone, run: Run) -> dict[str, tuple[float, float]]:
    """How many seconds after Airflow's own our log says that stages began and ended. Of
    a stage that was tried twice Airflow keeps the last attempt."""
    began = {
        event.stage: event.time
        for event in RunStore(Path()).events(run.run_id, 0)
        if type(event) is StageStarted
    }
    return {
        name: (
            began[name] - datetime.fromisoformat(task["start_date"]).timestamp(),
            (run.stage(name).finished or 0.0)
            - datetime.fromisoformat(task["end_date"]).timestamp(),
        )
        for name, task in task_instances(airflow, run).items()
    }


def test_a_notebook_runs_in_airflow_and_its_state_comes_back(
    airflow: Standalone, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    submit = ["submit", "team", f"{NAME}.ipynb", "-p", "count=5"]
    assert main([*submit, "--follow"]) == 0
    good = newest_run()
    assert (good.state.value, good.engine) == ("succeeded", "Apache Airflow 3")
    assert good.metrics == {"total": 10 * (5 + len(WORD))}
    assert good.stage("make").attempts == 2
    with capfd.disabled():
        for name, (start, end) in seconds_behind(airflow, good).items():
            print(
                f"\n{name}: our log {start:+.1f} s after Airflow at its start, {end:+.1f} s at its end",
                end="",
            )
    # The same graph: the same DAG, which Airflow has read.
    assert main([*submit, "-p", "limit=1", "--follow"]) == 3
    assert newest_run().stage("join").attempts == 1
    assert len(list(airflow.dags.glob("*.py"))) == 1
    assert not Path("canary").exists()
    check_failing(folder, capfd)


def test_a_run_in_airflow_survives_its_server_and_is_cancelled(
    airflow: Standalone, folder: Path
) -> None:
    # The file lets the stage end; without it the test decides when nothing else
    # happens.
    source = f"import pathlib, time\nwhile not pathlib.Path({str(folder / 'go')!r}).exists():\n    time.sleep(0.1)"
    waits = write_notebook(
        folder / "waits.ipynb",
        [(f"{source}\nx = 1", ["stage:first"]), ("y = x", ["stage:second"])],
    )
    store = RunStore(Path())
    assert main(["submit", "team", waits.name]) == 0
    ended = newest_run().run_id
    wait(lambda: is_started(ended, "first"))
    assert main(["cancel", ended]) == 0
    wait(lambda: not is_followed(store.folder(ended)))
    assert (store.read(ended).state.value, store.read(ended).exit_code) == (
        "cancelled",
        130,
    )
    tasks = task_instances(airflow, store.read(ended)).values()
    # The second: by the cancellation, or by a scheduler that saw the first end before.
    nothing_more = {"failed", "skipped", "upstream_failed"}
    assert {task["state"] for task in tasks} <= nothing_more

    assert main(["submit", "team", waits.name]) == 0
    survives = newest_run().run_id
    wait(lambda: is_started(survives, "first"))
    airflow.die()
    wait(lambda: store.read(survives).silent_since is not None)
    (folder / "go").touch()
    wait(lambda: store.read(survives).stage("first").state.value == "succeeded")
    airflow.start()
    wait(lambda: not is_followed(store.folder(survives)))
    run = store.read(survives)
    assert (run.state.value, run.silent_since) == ("succeeded", None)
    assert {stage.state.value for stage in run.stages} == {"succeeded"}
