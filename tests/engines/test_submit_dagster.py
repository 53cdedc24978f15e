"""Pipelines handed to a Dagster on this machine, and their state brought back."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.events import StageStarted
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit.engines.dagster import LOCATION
from jupyter_pipe.submit.following import is_followed
from tests.cli.conftest import write_notebook
from tests.engines.servers import Servers, dagster_servers, served
from tests.engines.trial import (
    LIMIT_SECONDS,
    NAME,
    check_edited,
    check_failing,
    is_started,
    newest_run,
    wait,
)
from tests.serving.service import PATIENCE

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(2 * LIMIT_SECONDS)]
HOSTILE = 'it\'s $(touch canary) {y} {{ z }} "é" \N{SNOWMAN}\n${HOME} \\n'


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "definitions"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def servers(definitions: Path, tmp_path_factory: pytest.TempPathFactory) -> Servers:
    """A web server and a daemon, which have the secret and a place for marks. Not
    started yet."""
    marks = str(tmp_path_factory.mktemp("marks"))
    return dagster_servers(definitions.parent, MARKS=marks, TOKEN="sesame-open")


@pytest.fixture(autouse=True)
def settings(
    servers: Servers, definitions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration `team` that names the server."""
    path = tmp_path / "config" / "jupyter_pipe" / "engines.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        f'[team]\nengine = "dagster"\nurl = "{servers.address}"\ndefinitions = "{definitions}"\nseconds = 1\n'
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def dagster(servers: Servers) -> Iterator[Servers]:
    with served(servers) as running:
        yield running


def runs_of(servers: Servers, run: Run) -> list[dict[str, Any]]:
    """What Dagster has of our run, asked as anybody would."""
    query = (
        "query ($tag: ExecutionTag!) { runsOrError(filter: {tags: [$tag]}) { ... on Runs { results { "
        "runId status stepStats { stepKey status startTime endTime } } } } }"
    )
    tag = {"key": "jupyter_pipe/run", "value": run.run_id}
    body = json.dumps({"query": query, "variables": {"tag": tag}}).encode()
    request = urllib.request.Request(
        f"{servers.address}/graphql", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["runsOrError"][
            "results"
        ]
    return found


def test_without_a_server_nothing_begins_but_its_file_is_there(
    folder: Path, definitions: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """First: the servers are started afterwards, with the file that this leaves."""
    assert main(["submit", "team", f"{NAME}.ipynb"]) == 2
    assert "Dagster does not answer" in capfd.readouterr().err
    assert [path.name for path in definitions.glob("*.py")] == [LOCATION]


def test_a_notebook_runs_in_dagster_and_its_state_comes_back(
    definitions: Path, dagster: Servers, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    submit = [
        "submit",
        "team",
        f"{NAME}.ipynb",
        "-p",
        "count=5",
        "-p",
        f"word={HOSTILE}",
    ]
    assert main([*submit, "--follow"]) == 0
    good = newest_run()
    assert (good.state.value, good.engine) == ("succeeded", "Dagster")
    assert good.metrics == {"total": 10 * (5 + len(HOSTILE))}
    assert good.stage("make").attempts == 2
    (theirs,) = runs_of(dagster, good)
    assert good.page == f"{dagster.address}/runs/{theirs['runId']}"
    with capfd.disabled():
        print_seconds_behind(good, theirs)
    # Edited and compiled anew: the same job, with what the notebook says now.
    check_edited(folder, submit, 10 * (5 + len(HOSTILE)))
    assert len(list(definitions.glob("pipeline_*.py"))) == 1
    check_failing(folder, capfd)


def print_seconds_behind(run: Run, theirs: dict[str, Any]) -> None:
    """How many seconds after Dagster's own our log says that stages began and ended."""
    began = {
        event.stage: event.time
        for event in RunStore(Path()).events(run.run_id, 0)
        if type(event) is StageStarted
    }
    for step in theirs["stepStats"]:
        name = step["stepKey"].rpartition("__")[2]
        end = (run.stage(name).finished or 0.0) - step["endTime"]
        print(
            f"\n{name}: begins {began[name] - step['startTime']:+.1f} s, ends {end:+.1f} s",
            end="",
        )


def test_two_runs_at_once_one_is_cancelled_and_one_survives_its_server(
    dagster: Servers, folder: Path
) -> None:
    # The file lets the stage end; without it the test decides when nothing else
    # happens.
    source = f"import pathlib, time\nwhile not pathlib.Path({str(folder)!r}, go).exists():\n    time.sleep(0.1)"
    waits = write_notebook(
        folder / "waits.ipynb",
        [
            ("go: str = 'go'", ["parameters"]),
            (f"{source}\nx = go", ["stage:first"]),
            ("y = x\ny", ["stage:second"]),
        ],
    )
    store = RunStore(Path())
    found = []
    for word in ("one", "two"):
        assert main(["submit", "team", waits.name, "-p", f"go={word}"]) == 0
        found.append(newest_run().run_id)
    ends, survives = found
    wait(lambda: is_started(ends, "first") and is_started(survives, "first"))
    assert main(["cancel", ends]) == 0
    wait(lambda: not is_followed(store.folder(ends)))
    assert (store.read(ends).state.value, store.read(ends).exit_code) == (
        "cancelled",
        130,
    )
    assert [each["status"] for each in runs_of(dagster, store.read(ends))] == [
        "CANCELED"
    ]

    dagster.die()
    wait(lambda: store.read(survives).silent_since is not None)
    (folder / "two").touch()
    wait(lambda: store.read(survives).stage("first").state.value == "succeeded")
    dagster.start()
    wait(lambda: not is_followed(store.folder(survives)))
    run = store.read(survives)
    assert (run.state.value, run.silent_since) == ("succeeded", None)
    assert [stage.state.value for stage in run.stages] == ["succeeded", "succeeded"]
    assert [each["status"] for each in runs_of(dagster, run)] == ["SUCCESS"]
