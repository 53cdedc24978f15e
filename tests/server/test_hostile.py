"""Requests and folders that are made to read what is not served, to fill the memory, or
to hold the server up. Each is answered with an error of the caller's, and soon."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_pipe import events as ev
from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.runs import RunStore
from tests.server.conftest import notebook_json
from tests.server.test_handlers import Api, api, code

pytestmark = pytest.mark.server
__all__ = ["api"]

PRIVATE = "the victim's own"
DONE = ev.RunFinished(ev.RunState.failed, exit_code=1, seconds=1.0)


async def answered(
    api: Api, method: str, *path: str, **options: Any
) -> tuple[int, str]:
    """Status and text of an answer, whether it is an error or not."""
    try:
        status, found = await api(method, *path, **options)
    except HTTPClientError as error:
        body = error.response.body if error.response else b""
        return error.code, body.decode()
    return status, str(found)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that the server does not serve."""
    path = tmp_path / "private.txt"
    path.write_text(f"{PRIVATE}\n")
    return path


@pytest.mark.parametrize("depth", [200, 2_000, 100_000])
@pytest.mark.parametrize("route", ["check", "suggest", "plan", "runs"])
async def test_json_that_is_nested_deeply(
    jp_fetch: Any, write_notebook: Any, route: str, depth: int
) -> None:
    write_notebook("flow.ipynb", ("x = 1", "stage:a"))
    name = "path" if route == "suggest" else "notebook"
    body = f'{{"{name}": "flow.ipynb", "content": {{"cells": {"[" * depth}{"]" * depth}}}}}'
    if route in {"plan", "runs"}:
        body = body.replace("content", "targets")
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch("jupyter-pipe", route, method="POST", body=body)
    assert 400 <= caught.value.code < 500


@pytest.mark.parametrize(
    "name",
    ["a" * 300, "a" * 5_000, "b/" * 3_000 + "c", "é" * 200, "a\0b", "..", "/etc"],
)
async def test_names_that_no_file_has(api: Api, name: str) -> None:
    for suffix in ("", ".ipynb"):
        status, _ = await code("POST", api, "check", body={"notebook": name + suffix})
        assert 400 <= status < 500
    status, _ = await code("GET", api, "runs", root=name)
    assert 400 <= status < 500


@pytest.mark.parametrize(
    "path",
    ["/dev/zero", "/dev/urandom", "/dev/stdin", "/proc/self/mem", "pipe", "folder"],
)
@pytest.mark.parametrize(
    "source", ["%run {}", "%load {}", "%%bash\ncat {}", "open('{}').read()"]
)
async def test_checking_opens_no_device_and_no_pipe(
    api: Api, write_notebook: Any, jp_root_dir: Path, path: str, source: str
) -> None:
    os.mkfifo(jp_root_dir / "pipe")
    (jp_root_dir / "folder").mkdir()
    write_notebook(
        "flow.ipynb", (source.format(path), "stage:a"), ("import pipe", "stage:b")
    )
    for route in ("check", "plan"):
        status, _ = await answered(api, "POST", route, body={"notebook": "flow.ipynb"})
        assert status < 500


@pytest.mark.parametrize("name", ["flow.ipynb", "helper.py", "pyproject.toml"])
async def test_pipes_in_the_place_of_files(
    api: Api, write_notebook: Any, jp_root_dir: Path, name: str
) -> None:
    write_notebook("flow.ipynb", ("import helper\nhelper.f()", "stage:a"))
    (jp_root_dir / name).unlink(missing_ok=True)
    os.mkfifo(jp_root_dir / name)
    status, _ = await answered(api, "POST", "check", body={"notebook": "flow.ipynb"})
    assert status < 500


async def test_a_script_outside_the_root_is_not_read(
    api: Api, write_notebook: Any, jp_root_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text("private_name = 1\n")
    (jp_root_dir / "link.py").symlink_to(tmp_path / "script.py")
    (jp_root_dir / "inside.py").write_text("private_name = 1\n")
    for line, seen in (
        (f"%run {tmp_path}/script.py", False),
        ("%run link.py", False),
        ("%run inside.py", True),
    ):
        write_notebook(
            "flow.ipynb", (line, "stage:a"), ("print(private_name)", "stage:b")
        )
        _, answer = await api("POST", "check", body={"notebook": "flow.ipynb"})
        assert bool(answer["pipeline"]["stages"][-1]["inputs"]) is seen, line


@pytest.mark.parametrize(
    "name", ["report.html", "runner.log", "events.jsonl", "run.json", "pipeline.json"]
)
async def test_links_of_a_run_are_not_followed(
    api: Api, make_run: Any, jp_root_dir: Path, outside: Path, name: str
) -> None:
    run_id = make_run(ev.StageStarted(stage="fit"), DONE)
    path = RunStore(jp_root_dir).folder(run_id).path / name
    path.unlink(missing_ok=True)
    path.symlink_to(outside)
    for tail in ((), ("report",), ("log",), ("events",)):
        status, answer = await answered(api, "GET", "runs", run_id, *tail)
        assert status < 500
        assert PRIVATE not in answer


@pytest.mark.parametrize(
    "part", ["executed.ipynb", "cells.json", "stage", "stages", "run", "runs"]
)
async def test_links_of_a_stage_are_not_followed(
    api: Api, make_run: Any, jp_root_dir: Path, tmp_path: Path, part: str
) -> None:
    run_id = make_run(
        ev.StageStarted(stage="fit"), ev.StageFinished(stage="fit", seconds=1.0), DONE
    )
    folder = RunStore(jp_root_dir).folder(run_id)
    away = tmp_path / "away"
    content = json.dumps(notebook_json((f"'{PRIVATE}'",)))
    if part.count("."):
        away.mkdir()
        (away / part).write_text(content)
        folder.stage("fit").mkdir(parents=True)
        (folder.stage("fit") / part).symlink_to(away / part)
    else:
        moved = {
            "stage": folder.stage("fit"),
            "stages": folder.path / "stages",
            "run": folder.path,
        }
        place = moved.get(part, folder.path.parent)
        folder.stage("fit").mkdir(parents=True)
        (folder.stage("fit") / "executed.ipynb").write_text(content)
        place.rename(away)
        place.symlink_to(away)
    for tail in (
        ("stages", "fit", "notebook"),
        ("stages", "fit", "outputs"),
        ("report",),
        ("log",),
    ):
        options = {"stage": "fit"} if tail == ("log",) else {}
        status, answer = await answered(api, "GET", "runs", run_id, *tail, **options)
        assert status < 500
        assert PRIVATE not in answer


@pytest.mark.parametrize(
    "stage",
    ["../../../../away", "/away", "..", ".", "a/b", "a\\b", "x" * 300, "\0", ""],
)
async def test_stages_whose_names_lead_elsewhere(
    api: Api, make_run: Any, jp_root_dir: Path, tmp_path: Path, stage: str
) -> None:
    store = RunStore(jp_root_dir)
    run_id = make_run(ev.StageStarted(stage=stage), DONE)
    before = sorted(tmp_path.rglob("debug*"))
    status, _ = await code("POST", api, "runs", run_id, "debug", body={"stage": stage})
    assert 400 <= status < 500
    assert sorted(tmp_path.rglob("debug*")) == before
    for tail in ((), ("report",), ("log",), ("events",)):
        status, _ = await answered(api, "GET", "runs", run_id, *tail)
        assert status < 500
    assert store.read(run_id).stages


def test_a_runner_imports_nothing_that_lies_where_it_starts(tmp_path: Path) -> None:
    import subprocess

    for name in (
        "random",
        "json",
        "msgspec",
        "subprocess",
        "sitecustomize",
        "jupyter_pipe",
        "runpy",
        "encodings",
    ):
        (tmp_path / f"{name}.py").write_text("open('canary', 'w').close()\n")
    command = own_module("jupyter_pipe.server.runs.runner")
    order = json.dumps({"root": str(tmp_path), "run_id": "r", "resumed_from": "none"})
    done = subprocess.run(
        command, cwd=tmp_path, input=order.encode(), capture_output=True, check=False
    )
    assert b"run_unknown" in done.stdout, (done.stdout, done.stderr)
    assert not (tmp_path / "canary").exists()
