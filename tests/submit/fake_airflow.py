"""A server that speaks Airflow's published API, as far as we use it, and runs
nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.submit.answering import answering

__all__ = ["FakeAirflow", "configured", "serving"]


class FakeAirflow:
    """What Airflow knows: DAGs that it has read, runs, errors of import. `read` is
    whether it reads files."""

    def __init__(self, dags: Path) -> None:
        self.dags = dags
        self.reads = True
        self.runs: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, str | None] = {}
        self.errors: list[dict[str, Any]] = []
        self.paused: set[str] = set()
        self.logins: list[Any] = []
        self.token = "first"
        self.breaks = 0
        self.is_down = False

    def answer(self, method: str, path: str, body: Any, token: str) -> tuple[int, Any]:
        if self.is_down:
            return 503, None
        if path == "/auth/token":
            self.logins.append(body)
            right = body == {"username": "ada", "password": "lovelace"}
            return (
                (201, {"access_token": self.token})
                if right
                else (401, {"detail": "Invalid credentials"})
            )
        if token != f"Bearer {self.token}":
            return 401, {"detail": "Invalid JWT token"}
        parts = path.removeprefix("/api/v2/").split("/")
        if parts[0] == "importErrors":
            return 200, {"import_errors": self.errors}
        if parts == ["dags"]:
            return 200, {"dags": []}
        return self.dag(method, parts[1], parts[2:], body)

    def dag(
        self, method: str, name: str, rest: list[str], body: Any
    ) -> tuple[int, Any]:
        if rest[1:]:
            return self.run(method, rest[1], rest[2:], body)
        is_there = self.reads and (self.dags / f"{name}.py").exists()
        if rest and method == "GET":
            going = [
                run
                for run in self.runs.values()
                if run["dag"] == name and run["state"] == "running"
            ]
            return 200, {"total_entries": len(going)}
        if not is_there:
            return 404, {"detail": "not found"}
        if rest:
            return self.trigger(name, body)
        if method == "PATCH":
            self.paused.discard(name)
        return 200, {
            "dag_id": name,
            "is_stale": False,
            "is_paused": name in self.paused,
        }

    def trigger(self, name: str, body: Any) -> tuple[int, Any]:
        known = body["dag_run_id"] in self.runs
        if not known:
            self.runs[body["dag_run_id"]] = {
                "state": "queued",
                "note": None,
                "dag": name,
                **body,
            }
        if self.breaks:
            self.breaks -= 1
            return 502, None
        return (409, {"detail": "exists"}) if known else (200, {})

    def run(
        self, method: str, run_id: str, rest: list[str], body: Any
    ) -> tuple[int, Any]:
        if run_id not in self.runs:
            return 404, {"detail": "not found"}
        if rest:
            tasks = [
                {"task_id": name, "state": state} for name, state in self.tasks.items()
            ]
            return 200, {"task_instances": tasks}
        if method == "PATCH":
            self.runs[run_id] |= body
        return 200, self.runs[run_id]


@contextmanager
def serving(dags: Path) -> Iterator[tuple[FakeAirflow, str]]:
    """A server for a folder of DAGs, and its address."""
    server = FakeAirflow(dags)
    with answering(
        lambda call: server.answer(call.method, call.path, call.body, call.token)
    ) as address:
        yield server, address


@contextmanager
def configured(
    folder: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> Iterator[tuple[FakeAirflow, str]]:
    """A server whose DAGs lie in `folder/dags`, who may log in there, and
    configurations that say so: `told` with `{url}` and `{dags}` of that server. Nobody
    says of any other engine where it is."""
    (folder / "dags").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("AIRFLOW_USERNAME", "ada")
    monkeypatch.setenv("AIRFLOW_PASSWORD", "lovelace")
    for name in ("AIRFLOW_CLI_TOKEN", "AIRFLOW__API__BASE_URL", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = folder / "config" / "jupyter_pipe" / "engines.toml"
    settings.parent.mkdir(parents=True)
    with serving(folder / "dags") as (server, url):
        settings.write_text(told.format(url=url, dags=server.dags))
        yield server, url
