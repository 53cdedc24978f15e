"""Airflow as `airflow standalone` runs it: scheduler, API server and workers, asked over its REST API."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.engines.trial import free_port
from tests.serving.service import PATIENCE, until

__all__ = ["Standalone", "standalone"]

_ENDED = ("success", "failed")


class Standalone:
    """A running Airflow. `dags` is the folder that it looks into."""

    def __init__(self, folder: Path, port: str) -> None:
        self.dags = folder / "dags"
        self._address = f"http://127.0.0.1:{port}"
        self._token = ""

    def is_up(self) -> bool:
        place = f"{self._address}/auth/token"
        with contextlib.suppress(OSError), urllib.request.urlopen(place, timeout=PATIENCE) as answer:
            self._token = json.load(answer)["access_token"]
        return bool(self._token)

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """A call of the REST interface."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._address}/api/v2{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def takes_up(self, dag: str) -> bool:
        """Whether the DAG is known by now; it may run from then on."""
        try:
            self.ask(f"/dags/{dag}", {"is_paused": False}, "PATCH")
        except OSError:
            return False
        return True

    def run(self, dag: str, task: str) -> tuple[int, str]:
        """Let a DAG of one command run once: the command's exit code, and what it printed."""
        begun = self.ask(f"/dags/{dag}/dagRuns", {"logical_date": None})
        place = f"/dags/{dag}/dagRuns/{begun['dag_run_id']}"
        until(lambda: self.ask(place)["state"] in _ENDED, f"the end of {dag}")
        events = [each["event"] for each in self.ask(f"{place}/taskInstances/{task}/logs/1")["content"]]
        end = next(number for number, text in enumerate(events) if text.startswith("Command exited with"))
        code = int(events[end].rpartition(" ")[2])
        assert self.ask(place)["state"] == ("failed" if code else "success")
        return code, "\n".join(events[events.index("Output:") + 1 : end])


@contextmanager
def standalone(folder: Path, airflow: Path, **environment: str) -> Iterator[Standalone]:
    """Airflow in a folder of its own, on loopback, for as long as the test lasts."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": free_port(),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": free_port(),
        "PATH": f"{airflow.parent}:{environment.pop('PATH', os.environ['PATH'])}",
    }
    (folder / "dags").mkdir(parents=True)
    with (folder / "standalone.log").open("w") as log:
        process = subprocess.Popen(
            [str(airflow), "standalone"],
            cwd=folder,
            env={**os.environ, **environment, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        found = Standalone(folder, port)
        until(found.is_up, "Airflow being up")
        yield found
    finally:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        process.terminate()
        _, left = psutil.wait_procs(family, timeout=30)
        for each in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
