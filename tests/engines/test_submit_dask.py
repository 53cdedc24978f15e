"""Pipelines handed to a Dask cluster: its own scheduler and worker, as anybody starts
them."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.store import RunStore
from tests.cli.conftest import write_notebook
from tests.engines.trial import (
    LIMIT_SECONDS,
    NAME,
    WORD,
    check_cells,
    free_port,
    newest_run,
    shown_by,
    wait,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]


@pytest.fixture
def scheduler(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a scheduler with one worker of two threads, named by the
    configuration `team`."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    path = tmp_path / "config" / "jupyter_pipe" / "engines.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[team]\nengine = "dask"\nurl = "{address}"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    dask = [sys.executable, "-m", "distributed.cli"]
    commands = [
        [
            f"{dask[-1]}.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            port,
            "--no-dashboard",
        ],
        [
            f"{dask[-1]}.dask_worker",
            address,
            "--nworkers",
            "1",
            "--nthreads",
            "2",
            "--no-dashboard",
        ],
    ]
    running = [
        subprocess.Popen([*dask[:-1], *command], cwd=tmp_path, start_new_session=True)
        for command in commands
    ]
    try:
        wait(lambda: is_open(int(port)))
        yield address
    finally:
        for each in reversed(running):
            each.terminate()
        for each in reversed(running):
            each.wait(60)


def is_open(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.usefixtures("scheduler")
def test_a_notebook_runs_on_the_workers_and_a_second_run_is_reused(
    folder: Path,
) -> None:
    submit = ["submit", "team", f"{NAME}.ipynb", "-p", "count=5", "--follow"]
    assert main(submit) == 0
    good = newest_run()
    assert (good.state.value, good.metrics) == (
        "succeeded",
        {"total": 10 * (5 + len(WORD))},
    )
    assert (good.facts.options.executor, good.stage("make").attempts) == ("dask", 2)
    check_cells(shown_by(Path(f"{NAME}.ipynb"), count="5"), 4)
    assert main(submit) == 0
    assert {stage.state.value for stage in newest_run().stages} == {"cached"}
    assert main([*submit, "-p", "limit=1"]) == 3
    assert newest_run().stage("join").attempts == 1
    assert not list(Path().rglob("canary"))


@pytest.mark.usefixtures("scheduler")
def test_workers_that_share_nothing_but_a_url(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "here"))
    url = (folder / "bucket").as_uri()
    notebook = write_notebook(
        folder / "quick.ipynb", [("x = 20", ["stage:a"]), ("print(x + 1)", ["stage:b"])]
    )
    assert main(["submit", "team", notebook.name, "--root", url, "--follow"]) == 0
    assert list((folder / "bucket").rglob("events.jsonl"))
    capsys.readouterr()
    assert main(["show", "latest", "--root", url]) == 0
    assert "succeeded" in capsys.readouterr().out


@pytest.mark.usefixtures("scheduler")
def test_a_run_goes_on_when_its_command_has_ended_and_is_cancelled(
    folder: Path,
) -> None:
    # The file lets the stage end; without it the test decides when nothing else
    # happens.
    source = f"import pathlib, time\nwhile not pathlib.Path({str(folder)!r}, go).exists():\n    time.sleep(0.1)"
    waits = write_notebook(
        folder / "waits.ipynb",
        [
            ("go: str = 'go'", ["parameters"]),
            (f"{source}\nx = go", ["stage:first"]),
            ("y = x\ny", ["stage:last"]),
        ],
    )
    store = RunStore(Path())
    for word in ("one", "two"):
        command = [
            str(Path(sys.executable).with_name("jupyter-pipe")),
            "submit",
            "team",
            waits.name,
        ]
        subprocess.run(
            [*command, "-p", f"go={word}"], check=True, timeout=LIMIT_SECONDS
        )
    goes_on, ends = sorted(run.run_id for run in store.list())
    wait(
        lambda: all(
            store.read(it).stage("first").state.value == "running"
            for it in (goes_on, ends)
        )
    )
    ends, goes_on = (ends, goes_on) if given(store, ends) == "two" else (goes_on, ends)
    assert main(["cancel", ends]) == 0
    wait(lambda: store.read(ends).is_final)
    assert (store.read(ends).state.value, store.read(ends).exit_code) == (
        "cancelled",
        130,
    )
    (folder / "one").touch()
    wait(lambda: store.read(goes_on).is_final)
    assert store.read(goes_on).state.value == "succeeded"


def given(store: RunStore, run_id: str) -> str:
    return str(
        next(
            each.value
            for each in store.read(run_id).facts.parameters
            if each.name == "go"
        )
    )


def test_without_a_scheduler_nothing_begins(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    assert main(["submit", "dask", f"{NAME}.ipynb"]) == 2
    assert "where Dask's scheduler is" in capsys.readouterr().err
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", f"tcp://127.0.0.1:{free_port()}")
    assert main(["submit", "dask", f"{NAME}.ipynb"]) == 2
    assert "does not answer" in capsys.readouterr().err
    assert not RunStore(Path()).list()
