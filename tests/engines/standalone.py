"""Airflow as `airflow standalone` runs it: scheduler, API server and workers, asked
over its REST API."""

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

    def __init__(
        self, folder: Path, airflow: Path, environment: dict[str, str]
    ) -> None:
        self.dags = folder / "dags"
        self._folder = folder
        self._airflow = airflow
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self._environment = {**os.environ, **environment, **self._settings()}
        self._environment["PATH"] = (
            f"{airflow.parent}:{environment.get('PATH', os.environ['PATH'])}"
        )
        # Airflow is a dozen processes, each of which would compile it anew.
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""

    def start(self) -> None:
        """Start it, with what it had when it ended, and wait until it answers."""
        with (self._folder / "standalone.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._airflow), "standalone"],
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(self.is_up, "Airflow being up")

    def family(self) -> list[psutil.Process]:
        """All of its processes and theirs, which end in this order."""
        assert self._process is not None
        return [
            *psutil.Process(self._process.pid).children(recursive=True),
            psutil.Process(self._process.pid),
        ]

    def stop(self) -> None:
        """End it, and whatever its tasks have started."""
        if self._process is None or self._process.poll() is not None:
            return
        family = self.family()
        self._process.terminate()
        _, left = psutil.wait_procs(family, timeout=30)
        kill(left)
        self._process.wait()

    def die(self) -> None:
        """What a power cut would do to it, but for what its tasks have started."""
        assert self._process is not None
        kill([each for each in self.family() if not is_of_a_stage(each)])
        self._process.wait()

    def _settings(self) -> dict[str, str]:
        return {
            "AIRFLOW_HOME": str(self._folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": self._port,
            "AIRFLOW__API__BASE_URL": self.address,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": free_port(),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": free_port(),
            # After which a task whose worker died is noticed.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        }

    def is_up(self) -> bool:
        place = f"{self.address}/auth/token"
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(place, timeout=PATIENCE) as answer,
        ):
            self._token = json.load(answer)["access_token"]
        return bool(self._token)

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """A call of the REST interface."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.address}/api/v2{path}", data, headers, method=method
        )
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
        """Let a DAG of one command run once: the command's exit code, and what it
        printed."""
        begun = self.ask(f"/dags/{dag}/dagRuns", {"logical_date": None})
        place = f"/dags/{dag}/dagRuns/{begun['dag_run_id']}"
        until(lambda: self.ask(place)["state"] in _ENDED, f"the end of {dag}")
        events = [
            each["event"]
            for each in self.ask(f"{place}/taskInstances/{task}/logs/1")["content"]
        ]
        end = next(
            number
            for number, text in enumerate(events)
            if text.startswith("Command exited with")
        )
        code = int(events[end].rpartition(" ")[2])
        assert self.ask(place)["state"] == ("failed" if code else "success")
        return code, "\n".join(events[events.index("Output:") + 1 : end])


def is_of_a_stage(process: psutil.Process) -> bool:
    """Whether a task has started the process; one that ends just now is not asked any
    more."""
    try:
        return "run-stage" in process.cmdline()
    except psutil.Error:
        return False


def kill(processes: list[psutil.Process]) -> None:
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


@contextmanager
def standalone(folder: Path, airflow: Path, **environment: str) -> Iterator[Standalone]:
    """Airflow in a folder of its own, on loopback, for as long as the test lasts."""
    (folder / "dags").mkdir(parents=True)
    found = Standalone(folder, airflow, environment)
    try:
        found.start()
        yield found
    finally:
        found.stop()
