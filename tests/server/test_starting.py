"""Runs that the server starts: real ones, in processes of their own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.model import Pipeline, Source
from jupyter_pipe.runs import ParameterValue, RunFacts, RunOptions, RunStore
from tests.server.test_handlers import Api, api, code

pytestmark = [pytest.mark.server, pytest.mark.kernel]
__all__ = ["api"]


async def ended(api: Api, run_id: str, root: str = "") -> Any:
    for _ in range(600):
        _, run = await api("GET", "runs", run_id, root=root)
        if run["state"] not in {"queued", "running"}:
            return run
        await asyncio.sleep(0.1)
    raise AssertionError("the run does not end")


async def test_a_run_starts_fails_and_resumes(
    api: Api, write_notebook: Any, jp_serverapp: Any, jp_root_dir: Any
) -> None:
    told: list[tuple[str, int]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        told.append((data["run_id"], data["seq"]))

    jp_serverapp.event_logger.add_listener(
        schema_id="urn:jupyter-pipe:run", listener=listen
    )
    cells = [
        ("n = 1", "parameters"),
        ("x = n * 2", "stage:load"),
        ("1 / (x - 4)", "stage:fit"),
    ]
    write_notebook("flow.ipynb", *cells)

    status, started = await api(
        "POST", "runs", body={"notebook": "flow.ipynb", "parameters": {"n": "2"}}
    )
    assert status == 202
    run = await ended(api, started["run_id"])
    assert (run["state"], run["trigger"]) == ("failed", "jupyterlab")
    assert [stage["state"] for stage in run["stages"]] == ["succeeded", "failed"]
    assert run["facts"]["parameters"][0]["literal"] == "2"

    _, debug = await api(
        "POST", "runs", started["run_id"], "debug", body={"stage": "fit"}
    )
    assert debug["path"].startswith("debug_fit_")
    assert "1 / (x - 4)" in (jp_root_dir / debug["path"]).read_text()
    again = await api("POST", "runs", started["run_id"], "debug", body={"stage": "fit"})
    assert again == (200, debug)

    write_notebook("flow.ipynb", *cells[:2], ("y = x - 4", "stage:fit"))
    _, resumed = await api("POST", "runs", started["run_id"], "resume")
    again = await ended(api, resumed["run_id"])
    assert (again["state"], again["resumed_from"]) == ("succeeded", started["run_id"])
    assert again["facts"]["parameters"][0]["literal"] == "2"

    assert [run_id for run_id, _ in told][-1] == resumed["run_id"]
    _, plan = await api(
        "POST", "plan", body={"notebook": "flow.ipynb", "parameters": {"n": "2"}}
    )
    assert [stage["action"] for stage in plan["stages"]] == ["reuse", "reuse"]
    _, plan = await api(
        "POST", "plan", body={"notebook": "flow.ipynb", "parameters": {"n": "3"}}
    )
    assert plan["stages"][0]["action"] == "run"
    assert "n" in plan["stages"][0]["reason"]

    seqs = [seq for run_id, seq in told if run_id == started["run_id"]]
    assert seqs == sorted(set(seqs))
    assert [each["run_id"] for each in (await api("GET", "runs"))[1]["runs"]] == [
        resumed["run_id"],
        started["run_id"],
    ]


async def test_a_run_can_be_cancelled(
    api: Api, write_notebook: Any, jp_root_dir: Any
) -> None:
    write_notebook("flow.ipynb", ("import time\ntime.sleep(600)", "stage:wait"))
    _, started = await api("POST", "runs", body={"notebook": "flow.ipynb"})
    assert (await api("POST", "runs", started["run_id"], "cancel"))[0] == 202
    run = await ended(api, started["run_id"])
    assert run["state"] == "cancelled"
    assert RunStore(jp_root_dir).read(started["run_id"]).exit_code == 130


async def test_what_is_wrong_before_a_run_is_said_at_once(
    api: Api, write_notebook: Any
) -> None:
    write_notebook("flow.ipynb", ("n = 1", "parameters"), ("print(n)", "stage:show"))
    assert await code(
        "POST", api, "runs", body={"notebook": "flow.ipynb", "targets": ["sho"]}
    ) == (
        404,
        "stage_unknown",
    )
    status, error = await api(
        "POST", "runs", body={"notebook": "flow.ipynb", "parameters": {"n": "many"}}
    )
    assert status == 400
    assert "n" in error["message"]
    assert (await api("GET", "runs"))[1] == {"runs": []}


async def test_a_notebook_with_errors_does_not_start(
    api: Api, write_notebook: Any
) -> None:
    path = write_notebook("flow.ipynb", ("print(nobody)", "stage:show"))
    status, error = await api("POST", "runs", body={"notebook": "flow.ipynb"})
    assert (status, error["code"]) == (422, "compile_failed")
    assert error["diagnostics"][0]["cell_id"] == "c0"
    assert json.loads(path.read_text())["cells"][0]["outputs"] == []


async def test_resuming_keeps_how_the_run_was_asked_to_run(
    api: Api, write_notebook: Any, jp_root_dir: Any
) -> None:
    path = write_notebook(
        "project/flow.ipynb",
        ("n = 1", "parameters"),
        ("import os\nprint(n, os.getcwd())", "stage:a"),
    )
    (jp_root_dir / "elsewhere").mkdir()
    options = RunOptions(
        strict=True, workers=3, kernels="fresh", keep_going=True, force=("a",)
    )
    given = ParameterValue("n", "5", 5, "command line", "1", "int")
    facts = RunFacts(
        notebook=str(path),
        workdir=str(jp_root_dir / "elsewhere"),
        options=options,
        parameters=(given,),
    )
    # The run is kept beside another folder than the notebook, as with --root.
    store = RunStore(jp_root_dir / "runs")
    writer = store.create(
        Pipeline(1, "flow", "python3", Source("flow.ipynb", "x")), facts
    )
    writer.append(ev.RunQueued(writer.run_id, "flow", ("a",)))
    writer.append(ev.RunFinished(ev.RunState.failed, exit_code=1, seconds=1.0))
    writer.close()

    _, resumed = await api("POST", "runs", writer.run_id, "resume", root="runs")
    run = await ended(api, resumed["run_id"], root="runs")
    assert (run["state"], run["resumed_from"]) == ("succeeded", writer.run_id)
    again = store.read(resumed["run_id"])
    assert again.facts.options == options
    assert (again.facts.workdir, again.facts.workers) == (facts.workdir, 3)
    assert "5 " + facts.workdir in store.folder(again.run_id).executed("a").read_text()


async def test_what_a_record_names_outside_the_root_is_not_resumed(
    api: Api, make_run: Any, tmp_path: Any
) -> None:
    failed = ev.RunFinished(ev.RunState.failed, exit_code=1, seconds=1.0)
    run_id = make_run(failed, facts=RunFacts(notebook=str(tmp_path / "outside.ipynb")))
    assert await code("POST", api, "runs", run_id, "resume") == (400, "path_outside")
