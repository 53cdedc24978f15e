"""The REST interface: answers, and every way to ask wrongly."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_pipe import events as ev
from jupyter_pipe.runs import RunStore
from jupyter_pipe.runs.garbage import Limits, collect
from tests.server.conftest import notebook_json

pytestmark = pytest.mark.server
UNKNOWN_RUN = "20260101-000000-abcd"


class Api:
    """Fetches, and returns status and decoded body whatever they are."""

    def __init__(self, fetch: Any) -> None:
        self._fetch = fetch

    async def __call__(
        self, method: str, *path: str, body: Any = None, **query: str
    ) -> tuple[int, Any]:
        data = (
            None
            if body is None
            else body
            if isinstance(body, str)
            else json.dumps(body)
        )
        options: dict[str, Any] = {
            "allow_nonstandard_methods": True,
            "params": query or None,
        }
        try:
            response = await self._fetch(
                "jupyter-pipe", *path, method=method, body=data, **options
            )
        except HTTPClientError as error:
            return error.code, json.loads(
                error.response.body if error.response else b""
            )
        text = response.body.decode()
        is_json = response.headers.get("Content-Type", "").startswith(
            "application/json"
        )
        return response.code, json.loads(text) if is_json and text else text


@pytest.fixture
def api(jp_fetch: Any) -> Api:
    return Api(jp_fetch)


def finished(*more: ev.Event) -> tuple[ev.Event, ...]:
    return (
        ev.RunStarted(pid=1, workers=1),
        ev.StageQueued("fit", cells=1),
        ev.StageStarted("fit"),
        *more,
        ev.StageFinished("fit", seconds=1.5),
        ev.RunFinished(ev.RunState.succeeded, exit_code=0, seconds=2.0),
    )


async def test_check_answers_with_the_pipeline(api: Api, write_notebook: Any) -> None:
    write_notebook(
        "sub/flow.ipynb", ("x = 1", "stage:load"), ("print(x)", "stage:show")
    )
    status, answer = await api("POST", "check", body={"notebook": "sub/flow.ipynb"})
    assert status == 200
    assert [stage["name"] for stage in answer["pipeline"]["stages"]] == ["load", "show"]
    assert answer["pipeline"]["edges"][0]["names"] == ["x"]


async def test_check_takes_unsaved_content(api: Api, write_notebook: Any) -> None:
    write_notebook("flow.ipynb", ("x = 1", "stage:load"))
    content = notebook_json(
        ("x = 1", "stage:load"), ("print(y)", "stage:show", "after:lod")
    )
    status, answer = await api(
        "POST", "check", body={"notebook": "flow.ipynb", "content": content}
    )
    assert status == 200
    unknown = next(
        found for found in answer["diagnostics"] if "lod" in found["message"]
    )
    assert (unknown["severity"], unknown["cell_id"]) == ("error", "c1")


async def test_stages_are_suggested_for_what_is_being_edited(
    api: Api, write_notebook: Any
) -> None:
    write_notebook("flow.ipynb", ("x = 1",))
    content = notebook_json(
        ("raw = open('a.csv').read()",), ("total = len(raw)\nprint(total)",)
    )
    status, answer = await api(
        "POST", "suggest", body={"path": "flow.ipynb", "content": content}
    )
    assert status == 200
    assert set(answer["tags"]) == {"c0", "c1"}
    assert [cell for stage in answer["stages"] for cell in stage["cells"]] == [
        "c0",
        "c1",
    ]
    assert set(answer["stages"][0]) == {"name", "cells", "after", "receives", "reason"}


async def test_compile_writes_a_package(
    api: Api, write_notebook: Any, jp_root_dir: Path
) -> None:
    write_notebook("flow.ipynb", ("x = 1", "stage:load"))
    status, answer = await api("POST", "compile", body={"notebook": "flow.ipynb"})
    assert status == 200
    assert answer["folder"] == "flow_pipeline"
    assert (jp_root_dir / "flow_pipeline" / "pipeline.json").exists()
    assert all((jp_root_dir / module).exists() for module in answer["modules"])


async def test_compile_errors_carry_their_diagnostics(
    api: Api, write_notebook: Any
) -> None:
    write_notebook(
        "flow.ipynb", ("x = 1", "stage:load"), ("x", "stage:show", "after:nobody")
    )
    status, error = await api("POST", "compile", body={"notebook": "flow.ipynb"})
    assert (status, error["code"]) == (422, "compile_failed")
    assert error["diagnostics"][0]["cell_id"] == "c1"


async def test_runs_of_a_notebook(api: Api, make_run: Any) -> None:
    mine = make_run(*finished(ev.MetricLogged("fit", "mae", 2.5)))
    make_run(*finished(), notebook="other.ipynb")
    status, answer = await api("GET", "runs", root="", notebook="flow.ipynb")
    assert status == 200
    [run] = answer["runs"]
    assert (run["run_id"], run["state"], run["metrics"]) == (
        mine,
        "succeeded",
        {"mae": 2.5},
    )
    assert (run["stages_done"], run["stages_total"]) == (1, 1)


async def test_a_run_and_its_events(api: Api, make_run: Any) -> None:
    run_id = make_run(*finished())
    status, run = await api("GET", "runs", run_id, root="")
    assert (status, run["state"], run["stages"][0]["name"]) == (200, "succeeded", "fit")
    _, some = await api("GET", "runs", run_id, "events", root="", since="4")
    assert [event["event"] for event in some] == ["stage_finished", "run_finished"]


async def test_a_run_from_the_command_line_has_a_log(api: Api, make_run: Any) -> None:
    run_id = make_run(*finished())
    _, log = await api("GET", "runs", run_id, "log")
    lines = [line.partition("  ")[2] for line in log["text"].splitlines()]
    assert lines == [
        f"flow, 1 stage, run {run_id}",
        "fit  started",
        "fit  succeeded, 1.5 s",
        "succeeded, 2 s, exit code 0",
    ]
    assert log["final"]
    _, rest = await api("GET", "runs", run_id, "log", offset=str(log["next_offset"]))
    assert (rest["text"], rest["final"]) == ("", True)


async def test_a_long_log_comes_in_pieces(
    api: Api, make_run: Any, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = make_run(*finished())
    log = jp_root_dir / ".jupyter_pipe" / "runs" / run_id / "runner.log"
    log.write_text("é数🎉" * 20, encoding="utf-8")
    _, whole = await api("GET", "runs", run_id, "log")
    monkeypatch.setattr("jupyter_pipe.server.runs.service._LOG_CHUNK", 7)
    pieces, chunk = [], {"next_offset": 0, "final": False}
    while not chunk["final"]:
        _, chunk = await api(
            "GET", "runs", run_id, "log", offset=str(chunk["next_offset"])
        )
        pieces.append(chunk["text"])
    assert "".join(pieces) == whole["text"]
    assert len(pieces) > 20


async def test_a_report_cannot_run_script(jp_fetch: Any, make_run: Any) -> None:
    run_id = make_run(*finished())
    response = await jp_fetch(
        "jupyter-pipe", "runs", run_id, "report", params={"root": ""}
    )
    assert response.headers.get("Content-Type", "").startswith("text/html")
    assert response.headers["Content-Security-Policy"].startswith("sandbox;")
    assert b"<script" not in response.body


async def test_executed_notebook_and_outputs(
    api: Api, make_run: Any, jp_root_dir: Path
) -> None:
    run_id = make_run(*finished())
    assert (await api("GET", "runs", run_id, "stages", "fit", "notebook"))[0] == 404
    executed = notebook_json(("print('<b>hi</b>')",))
    executed["cells"][0]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "<b>hi</b>\n"}
    ]
    folder = jp_root_dir / ".jupyter_pipe" / "runs" / run_id / "stages" / "fit"
    folder.mkdir(parents=True)
    (folder / "executed.ipynb").write_text(json.dumps(executed))
    assert (await api("GET", "runs", run_id, "stages", "fit", "notebook"))[
        1
    ] == executed
    _, answer = await api("GET", "runs", run_id, "stages", "fit", "outputs")
    assert answer["outputs"] == {"c0": executed["cells"][0]["outputs"]}
    _, log = await api("GET", "runs", run_id, "log", stage="fit", offset="11")
    assert (log["text"], log["final"]) == ("<b>hi</b>\n", True)


async def test_a_finished_run_can_be_removed(api: Api, make_run: Any) -> None:
    run_id = make_run(*finished())
    assert (await api("DELETE", "runs", run_id))[0] == 204
    assert (await api("GET", "runs", run_id))[0] == 404


async def test_an_active_run_cannot_be_removed(api: Api, make_run: Any) -> None:
    run_id = make_run(*finished()[:2])
    assert await code("DELETE", api, "runs", run_id) == (409, "run_active")
    assert await code("POST", api, "runs", run_id, "resume") == (409, "run_active")


async def test_openapi_describes_every_route(api: Api) -> None:
    _, description = await api("GET", "openapi.json")
    assert description["servers"][0]["url"].endswith("/jupyter-pipe")
    references = json.dumps(description).count("#/components/schemas/")
    assert references > 20
    assert set(description["paths"]["/runs/{run_id}"]) == {"get", "delete"}


@pytest.mark.parametrize(
    "path",
    [
        "../outside.ipynb",
        "/etc/passwd",
        "a/../../outside.ipynb",
        "link/secret.ipynb",
        "nul\0.ipynb",
        "none.ipynb",
        "",
    ],
)
async def test_paths_stay_below_the_root(
    api: Api, path: str, jp_root_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    for folder, name in [
        (outside, "secret.ipynb"),
        (jp_root_dir.parent, "outside.ipynb"),
    ]:
        (folder / name).write_text(json.dumps(notebook_json(("x = 1",))))
    (jp_root_dir / "link").symlink_to(outside)
    for route in ("check", "compile", "runs"):
        status, error = await api("POST", route, body={"notebook": path})
        assert status in {400, 404}
        assert set(error) == {"code", "message", "hint", "cell_id", "diagnostics"}
        assert str(jp_root_dir) not in error["message"]


async def test_a_sibling_with_the_roots_name_as_prefix_is_outside(
    api: Api, jp_root_dir: Path
) -> None:
    sibling = jp_root_dir.with_name(jp_root_dir.name + "_private")
    sibling.mkdir()
    assert await code("GET", api, "runs", root=f"../{sibling.name}") == (
        400,
        "path_outside",
    )


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"notebook": 3}', '{"notebook": null}', "\x00", '"x"']
)
@pytest.mark.parametrize("route", ["check", "compile", "runs"])
async def test_bodies_that_do_not_fit(api: Api, route: str, body: str) -> None:
    assert await code("POST", api, route, body=body) == (400, "bad_request")


@pytest.mark.parametrize("number", ["-1", "x", "9" * 40, "1.5"])
async def test_numbers_that_do_not_fit(api: Api, make_run: Any, number: str) -> None:
    run_id = make_run(*finished())
    assert await code("GET", api, "runs", run_id, "events", since=number) == (
        400,
        "bad_request",
    )


@pytest.mark.parametrize(
    "run_id", ["..", "x", "%2e%2e", "20260101-000000-abcd%2f..", UNKNOWN_RUN]
)
async def test_run_ids_that_do_not_fit(api: Api, run_id: str) -> None:
    for method, tail in [
        ("GET", ()),
        ("DELETE", ()),
        ("POST", ("cancel",)),
        ("POST", ("resume",)),
    ]:
        status, error = await api(method, "runs", run_id, *tail)
        assert status in {404, 405}
        assert "message" in error


async def test_unknown_stages(api: Api, make_run: Any) -> None:
    run_id = make_run(*finished())
    assert await code("GET", api, "runs", run_id, "stages", "nobody", "outputs") == (
        404,
        "stage_unknown",
    )
    assert await code("GET", api, "runs", run_id, "log", stage="../x") == (
        404,
        "stage_unknown",
    )
    body = {"stage": "../../x"}
    assert await code("POST", api, "runs", run_id, "debug", body=body) == (
        404,
        "stage_unknown",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ("runs",)),
        ("POST", ("runs",)),
        ("POST", ("check",)),
        ("POST", ("compile",)),
        ("GET", ("openapi.json",)),
        ("GET", ("runs", UNKNOWN_RUN)),
        ("DELETE", ("runs", UNKNOWN_RUN)),
        ("POST", ("runs", UNKNOWN_RUN, "cancel")),
        ("GET", ("runs", UNKNOWN_RUN, "report")),
    ],
)
async def test_nothing_without_a_token(
    api: Api, method: str, path: tuple[str, ...], jp_serverapp: Any
) -> None:
    jp_serverapp.identity_provider.token = (
        "another"  # the client goes on sending the old one
    )
    status, _ = await api(method, *path, body={} if method == "POST" else None)
    assert status == 403


async def code(
    method: str, api: Api, *path: str, body: Any = None, **query: str
) -> tuple[int, str]:
    status, error = await api(method, *path, body=body, **query)
    return status, error["code"]


async def test_cancelling_a_run_that_has_ended_changes_nothing(
    api: Api, make_run: Any
) -> None:
    run_id = make_run(ev.RunFinished(ev.RunState.failed, exit_code=1, seconds=1.0))
    for _ in range(2):
        status, run = await api("POST", "runs", run_id, "cancel")
        assert (status, run["state"]) == (200, "failed")


async def test_a_run_is_named_noted_and_pinned(
    api: Api, make_run: Any, jp_root_dir: Path
) -> None:
    first, second = make_run(*finished()), make_run(*finished())
    assert {run["pinned"] for run in (await api("GET", "runs"))[1]["runs"]} == {False}
    note = {"name": " the good one ", "note": "before\nthe change", "pinned": True}
    status, answer = await api("PUT", "runs", first, "note", body=note)
    assert status == 200
    assert (answer["name"], answer["note"], answer["pinned"]) == (
        "the good one",
        "before\nthe change",
        True,
    )
    listed = {run["run_id"]: run for run in (await api("GET", "runs"))[1]["runs"]}
    assert listed[first] == answer
    assert not listed[second]["pinned"]
    kept = collect(RunStore(jp_root_dir), Limits(runs=1), now=time.time())
    assert kept.runs == ()  # the one is the newest, the other is pinned
    await api("PUT", "runs", first, "note", body={})
    assert collect(RunStore(jp_root_dir), Limits(runs=1), now=time.time()).runs == (
        first,
    )


@pytest.mark.parametrize(
    ("run", "note", "status"),
    [
        ("known", {"name": "x" * 81}, 400),
        ("known", {"pinned": 3}, 400),
        (UNKNOWN_RUN, {"name": "x"}, 404),
    ],
)
async def test_what_cannot_be_written_on_a_run(
    api: Api, make_run: Any, run: str, note: dict[str, Any], status: int
) -> None:
    known = make_run(*finished())
    assert (
        await api("PUT", "runs", known if run == "known" else run, "note", body=note)
    )[0] == status
    assert (await api("GET", "runs"))[1]["runs"][0]["name"] == ""


async def test_a_damaged_note_is_none(
    api: Api, make_run: Any, jp_root_dir: Path
) -> None:
    run_id = make_run(*finished())
    RunStore(jp_root_dir).folder(run_id).note.write_text("{")
    assert (await api("GET", "runs"))[1]["runs"][0]["name"] == ""


async def test_a_plan_takes_unsaved_content(api: Api, write_notebook: Any) -> None:
    write_notebook("flow.ipynb", ("x = 1", "stage:load"))
    content = notebook_json(("x = 1", "stage:load"), ("print(x)", "stage:show"))
    status, answer = await api(
        "POST", "plan", body={"notebook": "flow.ipynb", "content": content}
    )
    assert status == 200
    assert [stage["name"] for stage in answer["stages"]] == ["load", "show"]


def write_list(folder: Path, *notebooks: str) -> None:
    listed = ", ".join(f'"{each}"' for each in notebooks)
    (folder / "pipeline.toml").write_text(f'name = "both"\nnotebooks = [{listed}]\n')


async def test_notebooks_of_a_list_are_drawn_as_one_pipeline(
    api: Api, write_notebook: Any, jp_root_dir: Path
) -> None:
    write_notebook(
        "sub/a.ipynb", ("n = 1", "parameters"), ("x = n", "stage:make", "shares:x")
    )
    write_notebook("sub/b.ipynb", ("print(x)\nprint(y)", "stage:show"))
    write_list(jp_root_dir / "sub", "a.ipynb", "b.ipynb")
    status, answer = await api("POST", "graph", body={"notebooks": "sub/pipeline.toml"})
    assert (status, answer["name"]) == (200, "both")
    assert [each["path"] for each in answer["notebooks"]] == [
        "sub/a.ipynb",
        "sub/b.ipynb",
    ]
    assert [each["name"] for each in answer["parameters"]] == ["a.n"]
    assert answer["picture"].count('class="jpipe-frame"') == 2
    (found,) = answer["diagnostics"]
    assert (found["notebook"], found["stage"], found["line"]) == (
        "sub/b.ipynb",
        "b.show",
        2,
    )


@pytest.mark.parametrize("run_id", ["../../elsewhere", "20260101-000000-abcd"])
async def test_states_are_those_of_a_run_that_is_there(
    api: Api, write_notebook: Any, jp_root_dir: Path, run_id: str
) -> None:
    write_notebook("a.ipynb", ("x = 1", "stage:make"))
    write_list(jp_root_dir, "a.ipynb")
    status, answer = await api(
        "POST", "graph", body={"notebooks": "pipeline.toml", "run_id": run_id}
    )
    assert (status, answer["code"]) == (404, "run_unknown")


@pytest.mark.parametrize("route", ["graph", "runs"])
async def test_a_list_names_no_notebook_outside(
    api: Api, write_notebook: Any, jp_root_dir: Path, route: str
) -> None:
    write_notebook("sub/a.ipynb", ("x = 1", "stage:make"))
    outside = jp_root_dir.parent / "outside.ipynb"
    outside.write_bytes((jp_root_dir / "sub" / "a.ipynb").read_bytes())
    write_list(jp_root_dir / "sub", "a.ipynb", "../../outside.ipynb")
    field = "notebooks" if route == "graph" else "notebook"
    status, answer = await api("POST", route, body={field: "sub/pipeline.toml"})
    assert (status, answer["code"]) == (400, "path_outside")
    assert not (jp_root_dir / "sub" / ".jupyter_pipe").exists()
