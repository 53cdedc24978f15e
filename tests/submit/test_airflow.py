"""Submission to Airflow: against a server that speaks its published API, as far as we
use it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.engine import RunRequest, open_target
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.parameters import resolve_parameters
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit import Sighting, SilentError, StageSeen, SubmitError
from jupyter_pipe.submit.engines.airflow import Airflow, sighting_of
from jupyter_pipe.submit.following import Follower
from jupyter_pipe.submit.settings import Configuration
from jupyter_pipe.submit.submission import Submission, find_submission, submit
from tests.cli.conftest import write_notebook
from tests.submit.fake_airflow import FakeAirflow, configured

CELLS = [
    (
        "n: int = 1\nrate: float = 0.5\nloud: bool = False\nword: str = 'x'",
        ["parameters"],
    ),
    ("x = (n, rate, loud, word)", ["stage:a"]),
    ("y = x", ["stage:b"]),
]


class World:
    """A folder with a notebook, Airflow, and a configuration that names it."""

    def __init__(self, folder: Path, server: FakeAirflow, url: str) -> None:
        self.folder = folder
        self.server = server
        self.configuration = Configuration("airflow", url=url, dags=str(server.dags))
        self.store = RunStore(folder)

    def submit(self, **values: str) -> str:
        target = open_target(self.folder / "two words.ipynb")
        given = resolve_parameters(target.pipeline.parameters, texts=values)
        return submit(RunRequest(target=target, parameters=given), "team").run_id

    def submission(self, run_id: str) -> Submission:
        found = find_submission(self.store, run_id)
        assert found is not None
        return found

    def follower(self, run_id: str) -> Follower:
        engine = Airflow(self.configuration)
        return Follower(self.store, run_id, self.submission(run_id), engine)

    def dag_files(self) -> list[Path]:
        return sorted(self.server.dags.iterdir())


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    write_notebook(tmp_path / "two words.ipynb", CELLS)
    told = "[team]\nengine = 'airflow'\nurl = '{url}'\ndags = '{dags}'\n"
    with configured(tmp_path, monkeypatch, told) as (server, url):
        yield World(tmp_path, server, url)


def test_a_run_begins_as_soon_as_airflow_has_read_the_dag(world: World) -> None:
    world.server.reads = False
    run_id = world.submit(n="2", rate="1", loud="true", word="it's {{ x }}")
    follower = world.follower(run_id)
    assert not follower.step(1.0)
    (file,) = world.dag_files()
    assert file.name in world.store.read(run_id).stage("a").reason
    assert world.store.read(run_id).stage("b").reason == ""
    world.server.reads = True
    world.server.paused.add(file.stem)
    assert not follower.step(2.0)
    run = world.server.runs[run_id]
    assert run["conf"] == {"n": 2, "rate": 1.0, "loud": True, "word": "it's {{ x }}"}
    assert (run["dag"], run["logical_date"], world.server.paused) == (
        file.stem,
        None,
        set(),
    )
    assert "schedule=None" in file.read_text()
    page = world.store.read(run_id).page
    assert page == f"{world.configuration.url}/dags/{file.stem}/runs/{run_id}"
    assert world.server.logins == [{"username": "ada", "password": "lovelace"}] * 2


def test_a_run_whose_triggering_was_not_answered_is_begun_once(world: World) -> None:
    run_id = world.submit()
    follower = world.follower(run_id)
    world.server.breaks = 1
    assert not follower.step(1.0)
    # Taken, though the answer was lost: the next question finds it, and nothing is
    # triggered again.
    assert world.store.read(run_id).silent_since == 1.0
    assert not follower.step(2.0)
    assert (world.store.read(run_id).silent_since, len(world.server.runs)) == (None, 1)


def test_edited_notebooks_share_a_dag_and_another_graph_has_its_own(
    world: World,
) -> None:
    world.submit()
    write_notebook(
        world.folder / "two words.ipynb", [*CELLS[:2], ("y = x[0]", ["stage:b"])]
    )
    second = world.submit()
    (first_file,) = world.dag_files()
    write_notebook(world.folder / "two words.ipynb", [*CELLS, ("z = y", ["stage:c"])])
    world.submit()
    assert len(world.dag_files()) == 2
    # Nothing runs the first any more, and it has been there for long.
    old = time.time() - 7200
    os.utime(first_file, (old, old))
    world.server.runs[second] = {"state": "running", "dag": first_file.stem}
    world.submit()
    assert first_file in world.dag_files()
    world.server.runs.clear()
    somebody_elses = world.server.dags / "two_words-by_hand.py"
    somebody_elses.write_text("# written by hand\n")
    os.utime(somebody_elses, (old, old))
    world.submit()
    assert first_file not in world.dag_files()
    assert somebody_elses in world.dag_files()


def test_a_file_that_airflow_cannot_import_ends_the_run_with_its_reason(
    world: World,
) -> None:
    world.server.reads = False
    run_id = world.submit()
    (file,) = world.dag_files()
    trace = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'airflow.providers'\n"
    # One of long ago, about a file of that name that somebody removed, says nothing of
    # this one.
    world.server.errors = [
        {
            "filename": file.name,
            "timestamp": "2020-01-01T00:00:00Z",
            "stack_trace": trace,
        },
    ]
    follower = world.follower(run_id)
    assert not follower.step(1.0)
    world.server.errors[0]["timestamp"] = "2999-01-01T00:00:00Z"
    assert follower.step(2.0)
    run = world.store.read(run_id)
    assert (run.state.value, run.exit_code) == ("failed", 1)
    assert "No module named 'airflow.providers'" in run.stage("a").reason
    assert world.dag_files() == []


def test_a_dag_that_is_never_read_ends_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.server.reads = False
    run_id = world.submit()
    monkeypatch.setattr("jupyter_pipe.submit.engines.airflow._SECONDS_TO_READ", -1.0)
    assert world.follower(run_id).step(1.0)
    assert "DAG processor" in world.store.read(run_id).stage("a").reason


def ended(world: World, run_id: str) -> Run:
    world.store.folder(run_id).cancel.write_text("user\n")
    assert world.follower(run_id).step(3.0)
    return world.store.read(run_id)


def test_a_run_is_cancelled_before_and_after_it_began(world: World) -> None:
    world.server.reads = False
    run = ended(world, world.submit())
    assert (run.state.value, run.exit_code) == ("cancelled", 130)
    world.server.reads = True
    assert world.server.runs == {}
    run_id = world.submit()
    assert not world.follower(run_id).step(1.0)
    world.server.tasks = {"a": "skipped", "b": "skipped"}
    run = ended(world, run_id)
    assert (run.state.value, run.exit_code) == ("cancelled", 130)
    assert world.server.runs[run_id]["note"] == "Cancelled by jupyter pipe."


def test_a_run_that_is_over_is_not_made_a_failed_one_by_cancelling(
    world: World,
) -> None:
    run_id = world.submit()
    assert not world.follower(run_id).step(1.0)
    world.server.runs[run_id]["state"] = "success"
    Airflow(world.configuration).cancel(world.submission(run_id).started.handle)
    assert world.server.runs[run_id]["state"] == "success"


def test_a_run_that_was_deleted_there_is_not_begun_again(world: World) -> None:
    run_id = world.submit()
    follower = world.follower(run_id)
    assert not follower.step(1.0)
    del world.server.runs[run_id]
    assert follower.step(2.0)
    assert world.server.runs == {}
    assert world.store.read(run_id).state.value == "cancelled"


def test_a_session_that_ends_in_mid_run_is_renewed(world: World) -> None:
    run_id = world.submit()
    follower = world.follower(run_id)
    assert not follower.step(1.0)
    world.server.token = "second"
    assert not follower.step(2.0)
    assert world.store.read(run_id).silent_since is None
    # Nobody lets us in any more: the run goes on there, out of sight.
    world.server.token = "third"
    os.environ["AIRFLOW_PASSWORD"] = "babbage"
    assert not follower.step(3.0)
    assert world.store.read(run_id).silent_since == 3.0
    os.environ["AIRFLOW_PASSWORD"] = "lovelace"
    assert not follower.step(4.0)
    assert world.store.read(run_id).silent_since is None


def test_what_is_missing_is_said_with_what_to_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_PASSWORD", "babbage")
    with pytest.raises(SubmitError, match="Invalid credentials") as refused:
        world.submit()
    assert "AIRFLOW_USERNAME and AIRFLOW_PASSWORD" in refused.value.hint
    monkeypatch.setenv("AIRFLOW_PASSWORD", "lovelace")
    with pytest.raises(SubmitError, match="rate cannot be passed"):
        world.submit(rate="inf")
    assert world.dag_files() == []
    world.server.dags.rmdir()
    with pytest.raises(SubmitError, match="folder of DAGs is not there"):
        world.submit()
    (world.folder / "config" / "jupyter_pipe" / "engines.toml").unlink()
    monkeypatch.delenv("AIRFLOW__API__BASE_URL", raising=False)
    with pytest.raises(SubmitError, match="where Airflow is"):
        Airflow(Configuration("airflow"))
    with pytest.raises(SilentError):
        Airflow(Configuration("airflow", url="http://127.0.0.1:1")).look(
            {"dag": "d", "run": "r"}
        )
    assert [run.state.value for run in world.store.list()] == ["failed"] * 2


def test_what_airflow_describes() -> None:
    tasks = [
        {"task_id": "a", "state": "failed"},
        {"task_id": "b", "state": "upstream_failed"},
        {"task_id": "c", "state": None},
        {"task_id": "d", "state": "queued"},
        {"task_id": "e", "state": "of a later version"},
    ]
    seen = sighting_of({"state": "running", "note": None}, tasks)
    assert (seen.state, seen.note) == ("running", "running")
    assert seen.stages == {
        "a": StageSeen("failed", "failed"),
        "b": StageSeen("cancelled", "upstream_failed"),
        "c": StageSeen("waiting", ""),
        "d": StageSeen("waiting", "queued"),
        "e": StageSeen("failed", "of a later version"),
    }
    failed = sighting_of({"state": "failed", "note": "marked by Ada"}, [])
    assert failed == Sighting("failed", {}, "failed: marked by Ada")
    cancelled = sighting_of(
        {"state": "failed", "note": "Cancelled by jupyter pipe."}, tasks
    )
    assert (cancelled.state, cancelled.stages["a"].state) == ("cancelled", "cancelled")
