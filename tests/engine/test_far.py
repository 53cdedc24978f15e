"""A root that is a URL: the run is there as well, and workers need nothing else in
common with the runner."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.engine import run_pipeline
from jupyter_pipe.errors import RunError
from jupyter_pipe.events import RunState
from jupyter_pipe.runs import Run, RunStore, remote
from jupyter_pipe.runs.debug import fetch_inputs
from jupyter_pipe.runs.remote import RemoteRoot, fetch_runs, local_root
from tests.engine.packages import Package, request_of
from tests.engine.processes import children, wait_until

pytestmark = pytest.mark.kernel

KILLS_ITS_WORKER = """
import os, pathlib, signal, time
if not pathlib.Path({first!r}).exists():
    pathlib.Path({first!r}).touch()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
"""


def package(first: Path | None = None) -> Package:
    """Values, a module and a file beside the notebook, and a file that one stage leaves
    to another."""
    made = Package()
    made.stage(
        "load",
        "table = open('numbers.txt').read().split()",
        binds="table",
        opens="numbers.txt",
    )
    made.stage(
        "left",
        "from beside import total\nleft = total(table)\nopen('left.txt', 'w').write(str(left))",
        reads="table",
        binds="left",
        imports="beside",
        writes="left.txt",
    )
    killing = KILLS_ITS_WORKER.format(first=str(first)) if first else ""
    made.stage(
        "right", f"{killing}import os\nright = len(table)", reads="table", binds="right"
    )
    made.stage(
        "join",
        "joined = (open('left.txt').read(), left, right)\nprint(joined)\nimport os; print(os.getcwd())",
        reads="left right",
        binds="joined score",
        after=["left"],
        opens="left.txt",
    )
    return made


def write(folder: Path, made: Package) -> Path:
    folder.mkdir()
    (folder / "numbers.txt").write_text("1 2 3 4")
    (folder / "beside.py").write_text(
        "def total(words):\n    return sum(map(int, words))\n"
    )
    return made.write(folder)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """Two workers, each with a home of its own, and the address of their scheduler."""
    scheduler = tmp_path / "scheduler.json"
    here = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    started = [
        subprocess.Popen(
            [
                *command,
                "--port",
                "0",
                "--scheduler-file",
                str(scheduler),
                "--no-dashboard",
            ]
        )
    ]
    for name in ("one", "two"):
        home = tmp_path / f"machine-{name}"
        home.mkdir()
        command = [
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            "--scheduler-file",
            str(scheduler),
        ]
        options = [
            "--nthreads",
            "1",
            "--nworkers",
            "1",
            "--local-directory",
            str(home),
            "--no-dashboard",
        ]
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(home / "cache"),
            "PYTHONPATH": here,
        }
        started.append(
            subprocess.Popen([*command, *options], cwd=home, env=environment)
        )
    wait_until(scheduler.exists)
    wait_until(scheduler.read_text)
    yield str(json.loads(scheduler.read_text())["address"])
    for process in started:
        process.terminate()
        process.wait(180)


def run(package: Path, **request: Any) -> Run:
    return run_pipeline(request_of(package, **request))


def test_workers_that_share_only_the_url_compute_what_the_local_run_does(
    tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "machine-runner" / "cache"))
    local = write(tmp_path / "local", package())
    assert run(local).exit_code == 0
    url = (tmp_path / "shared").as_uri()
    package_ = write(tmp_path / "far", package(tmp_path / "killed"))
    root = local_root(url)
    done = run(package_, root=root, executor="dask", scheduler=cluster, workers=2)
    assert done.exit_code == 0, done
    assert done.stage("right").attempts == 2
    assert [printed(RunStore(tmp_path / "local"), "join")[0]] == [
        printed(RunStore(root), "join")[0]
    ]
    where = printed(RunStore(root), "join")[1]
    assert any(str(tmp_path / f"machine-{name}") in where for name in ("one", "two"))
    assert (tmp_path / "far" / "left.txt").read_text() == "10"
    again = run(package_, root=root, executor="dask", scheduler=cluster, workers=2)
    assert {stage.state.value for stage in again.stages} == {"cached"}


def printed(store: RunStore, stage: str) -> list[str]:
    executed = json.loads(
        store.folder(store.find("latest")).executed(stage).read_text()
    )
    outputs = [
        output for cell in executed["cells"] for output in cell.get("outputs", ())
    ]
    return "".join("".join(output["text"]) for output in outputs).splitlines()


def test_another_machine_reads_the_run_and_reuses_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (tmp_path / "shared").as_uri()
    package_ = write(tmp_path / "notebook", package())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "first"))
    first = run(package_, root=local_root(url))
    assert first.exit_code == 0
    assert not first.warnings
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "second"))
    store = RunStore(local_root(url))
    assert store.ids() == ()
    fetch_runs(RemoteRoot(url), store)
    assert store.read(store.find("latest")) == first
    assert printed(store, "join")[0] == "('10', 10, 4)"
    again = run(package_, root=store.root, force=("join",))
    assert [stage.state.value for stage in again.stages] == [
        "cached",
        "cached",
        "cached",
        "succeeded",
    ]
    fetch_inputs(store, again, again.stage("join"))


def test_a_url_that_cannot_be_written_any_more_costs_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: RemoteRoot, path: Path, name: str) -> None:
        raise RunError("memory://x cannot be reached: full", code="root_unreachable")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(RemoteRoot, "publish", full)
    done = run(
        write(tmp_path / "notebook", Package().stage("a", "1")),
        root=local_root("memory://x"),
    )
    assert done.state is RunState.succeeded
    assert [warning.code for warning in done.warnings] == ["root_behind"]
    assert children() == []


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_url_that_cannot_be_reached_for_a_while_holds_up_nothing(
    comes_back: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    url = (tmp_path / "shared").as_uri()
    root = local_root(url)
    package_ = write(tmp_path / "notebook", package())
    with monkeypatch.context() as patch:
        patch.setattr(remote, "PAUSE_SECONDS", 0.0 if comes_back else 30.0)
        for name in ("fetch", "has", "publish"):
            patch.setattr(RemoteRoot, name, fails_after_two(name, recovers=comes_back))
        done = run(package_, root=root)
    assert done.state is RunState.succeeded
    codes = {warning.code for warning in done.warnings}
    assert codes == {"root_behind", "root_unreachable"} | (
        {"root_caught_up"} if comes_back else set()
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    there = RunStore(local_root(url))
    fetch_runs(RemoteRoot(url), there)
    assert there.ids() == ((done.run_id,) if comes_back else ())


def fails_after_two(name: str, *, recovers: bool) -> Callable[..., Any]:
    """The method of a root, for which the third and fourth question find no route, or
    all that come."""
    real = getattr(RemoteRoot, name)
    questions = itertools.count(1)

    def ask(self: RemoteRoot, *arguments: Any, **options: Any) -> Any:
        number = next(questions)
        if number in (3, 4) or (number > 4 and not recovers):
            raise RunError(
                f"{self.url} cannot be reached: no route", code="root_unreachable"
            )
        return real(self, *arguments, **options)

    return ask
