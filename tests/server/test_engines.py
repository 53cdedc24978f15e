"""Runs that the server has another engine carry out: what is offered, started, refused,
cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.engine.dask.cluster import OwnCluster
from jupyter_pipe.runs import RunStore
from jupyter_pipe.submit.following import is_followed
from jupyter_pipe.submit.settings import ENGINES
from tests.server.test_handlers import Api, api
from tests.submit.fake_airflow import FakeAirflow, configured

pytestmark = [pytest.mark.server, pytest.mark.processes]
__all__ = ["api"]


@pytest.fixture
def airflow(
    tmp_path: Path, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeAirflow]:
    """A server that is configured as `team`, beside three configurations that cannot be
    used here."""
    server_of = "engine = 'airflow'\nurl = '{url}'\nseconds = 0.2\n"
    told = (
        f"[elsewhere]\n{server_of}dags = '{{dags}}'\nroot = '{tmp_path}'\n"
        f"[folderless]\n{server_of}dags = '{tmp_path}/nowhere'\n"
        f"[team]\n{server_of}dags = '{{dags}}'\nroot = '{jp_root_dir}'\n"
        "[wrong]\nengine = 'airflow'\npassword = 'x'\n"
    )
    with configured(tmp_path, monkeypatch, told) as (server, _):
        yield server


async def until(condition: Any) -> None:
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it never came")


@pytest.mark.usefixtures("airflow")
async def test_engines_are_listed_with_what_is_in_the_way(
    api: Api, write_notebook: Any
) -> None:
    write_notebook("flow.ipynb", ("x = 1", "stage:a"))
    status, found = await api("GET", "engines", notebook="flow.ipynb")
    problems = {each["name"]: each["problem"] for each in found["engines"]}
    assert status == 200
    assert list(problems) == ["elsewhere", "folderless", "team", "wrong", *ENGINES]
    assert problems["team"] == ""
    assert "keeps its runs in" in problems["elsewhere"]
    assert "folder of DAGs is not there" in problems["folderless"]
    assert "password" in problems["wrong"]
    assert "Nobody says where" in problems["airflow"]
    assert [each["title"] for each in found["engines"]][:2] == ["Apache Airflow 3"] * 2


async def test_a_notebook_runs_in_an_engine_and_is_cancelled_there(
    api: Api, write_notebook: Any, airflow: FakeAirflow, jp_root_dir: Path
) -> None:
    write_notebook("flow.ipynb", ("n = 1", "parameters"), ("x = n", "stage:a"))
    asked = {"engine": "team", "notebook": "flow.ipynb", "parameters": {"n": "7"}}
    status, started = await api("POST", "engines", body=asked)
    assert status == 202
    await until(lambda: started["run_id"] in airflow.runs)
    assert airflow.runs[started["run_id"]]["conf"] == {"n": 7}
    _, run = await api("GET", "runs", started["run_id"])
    assert (run["engine"], run["facts"]["command"][2:4]) == (
        "Apache Airflow 3",
        ["submit", "team"],
    )
    assert run["page"].endswith(f"/runs/{started['run_id']}")
    status, _ = await api("POST", "runs", started["run_id"], "cancel", body={})
    assert status == 202
    await until(lambda: airflow.runs[started["run_id"]]["state"] == "failed")
    folder = RunStore(jp_root_dir).folder(started["run_id"])
    await until(lambda: not is_followed(folder))
    _, run = await api("GET", "runs", started["run_id"])
    assert (run["state"], run["exit_code"]) == ("cancelled", 130)


@pytest.mark.kernel
async def test_a_notebook_runs_on_a_dask_cluster_with_a_runner_of_its_own(
    api: Api,
    write_notebook: Any,
    tmp_path: Path,
    jp_root_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write_notebook("flow.ipynb", ("n = 1", "parameters"), ("x = n", "stage:a"))
    cluster = OwnCluster(1)
    try:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.address)
        asked = {"engine": "dask", "notebook": "flow.ipynb", "parameters": {"n": "7"}}
        status, started = await api("POST", "engines", body=asked)
        assert status == 202
        store = RunStore(jp_root_dir)
        await until(lambda: store.read(started["run_id"]).is_final)
    finally:
        cluster.close()
    run = store.read(started["run_id"])
    assert (run.state.value, run.facts.options.executor) == ("succeeded", "dask")
    assert run.facts.command[2:4] == ("submit", "dask")
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS")
    status, error = await api("POST", "engines", body=asked)
    assert (status, error["code"]) == (400, "engine_settings")


async def test_what_an_engine_refuses_is_said_at_once(
    api: Api, write_notebook: Any, airflow: FakeAirflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook("flow.ipynb", ("n = 1", "parameters"), ("x = n", "stage:a"))
    for engine, code in (
        ("nobody", "engine_unknown"),
        ("elsewhere", "engine_settings"),
    ):
        status, error = await api(
            "POST", "engines", body={"engine": engine, "notebook": "flow.ipynb"}
        )
        assert (status, error["code"]) == (400, code)
    asked = {"engine": "team", "notebook": "flow.ipynb", "parameters": {"n": "seven"}}
    status, error = await api("POST", "engines", body=asked)
    assert (status, error["code"]) == (400, "parameter_invalid")
    monkeypatch.setenv("AIRFLOW_PASSWORD", "babbage")
    status, error = await api(
        "POST", "engines", body={"engine": "team", "notebook": "flow.ipynb"}
    )
    assert (status, error["code"]) == (400, "engine_refused")
    assert "AIRFLOW_PASSWORD" in error["hint"]
    airflow.is_down = True
    status, error = await api(
        "POST", "engines", body={"engine": "team", "notebook": "flow.ipynb"}
    )
    assert (status, error["code"]) == (400, "engine_silent")
    write_notebook("broken.ipynb", ("def f(:", "stage:a"))
    status, error = await api(
        "POST", "engines", body={"engine": "team", "notebook": "broken.ipynb"}
    )
    assert (status, error["code"]) == (422, "compile_failed")
    assert airflow.runs == {}
