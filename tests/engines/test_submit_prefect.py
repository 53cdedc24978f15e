"""Pipelines handed to a Prefect on this machine, and their state brought back."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit.following import is_followed
from jupyter_pipe.submit.submission import find_submission
from tests.cli.conftest import write_notebook
from tests.engines.servers import POOL, Servers, prefect_servers, served
from tests.engines.trial import (
    LIMIT_SECONDS,
    NAME,
    check_edited,
    is_started,
    newest_run,
    wait,
)
from tests.serving.service import PATIENCE

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(2 * LIMIT_SECONDS)]
HOSTILE = 'it\'s $(touch canary) {y} {{ z }} "é" \N{SNOWMAN}\n${HOME} \\n'


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A server, and a worker that has the secret and a place for marks."""
    server, worker = prefect_servers(
        tmp_path_factory.mktemp("prefect"),
        MARKS=str(tmp_path_factory.mktemp("marks")),
        TOKEN="sesame-open",
    )
    with served(server), served(worker):
        yield server


@pytest.fixture(autouse=True)
def settings(prefect: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration `team` that names the server and the pool."""
    path = tmp_path / "config" / "jupyter_pipe" / "engines.toml"
    path.parent.mkdir(parents=True)
    url = prefect.address.removesuffix("/health")
    path.write_text(
        f'[team]\nengine = "prefect"\nurl = "{url}"\npool = "{POOL}"\nseconds = 1\n'
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def state_there(prefect: Servers, run_id: str) -> str:
    """What Prefect says of our run, asked as anybody would."""
    found = find_submission(RunStore(Path()), run_id)
    assert found is not None
    url = prefect.address.removesuffix("/health")
    place = f"{url}/flow_runs/{found.started.handle['flow_run']}"
    with urllib.request.urlopen(place, timeout=PATIENCE) as answer:
        told: dict[str, Any] = json.load(answer)
    return str(told["state_type"])


def test_a_notebook_runs_in_prefect_and_its_state_comes_back(
    prefect: Servers, folder: Path, capfd: pytest.CaptureFixture[str]
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
    assert (good.state.value, good.engine) == ("succeeded", "Prefect 3")
    assert good.metrics == {"total": 10 * (5 + len(HOSTILE))}
    assert good.stage("make").attempts == 2
    assert state_there(prefect, good.run_id) == "COMPLETED"
    check_edited(folder, submit, 10 * (5 + len(HOSTILE)))
    fails = write_notebook(folder / "fails.ipynb", [("x = 1\n\nx / 0", ["stage:only"])])
    assert main(["submit", "team", fails.name, "--follow"]) == 1
    capfd.readouterr()
    assert main(["show", "latest"]) == 0
    assert "ZeroDivisionError" in (said := capfd.readouterr().out)
    assert "line 3" in said


def test_two_runs_at_once_one_is_cancelled_and_one_survives_its_server(
    prefect: Servers, folder: Path
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
    assert state_there(prefect, ends) == "CANCELLED"

    prefect.die()
    wait(lambda: store.read(survives).silent_since is not None)
    prefect.start()
    wait(lambda: store.read(survives).silent_since is None)
    (folder / "two").touch()
    wait(lambda: not is_followed(store.folder(survives)))
    run = store.read(survives)
    assert (run.state.value, run.silent_since) == ("succeeded", None)
    assert [stage.state.value for stage in run.stages] == ["succeeded", "succeeded"]
    assert state_there(prefect, survives) == "COMPLETED"
