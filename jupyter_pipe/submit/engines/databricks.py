"""Databricks, through its Jobs API (2.2): a job for each shape of a pipeline, and a run
of it.

The run's id goes along as a token that Databricks takes once: a run whose start was not
answered is asked for again, and is the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe.export.manifests.databricks import (
    DEFAULT_RUNTIME,
    Surroundings,
    job_of,
)
from jupyter_pipe.export.plan import unevaluated
from jupyter_pipe.submit import Order, Sighting, StageSeen, Started, State, SubmitError
from jupyter_pipe.submit.engines.beginning import begin_or_leave
from jupyter_pipe.submit.engines.placing import named_by_shape
from jupyter_pipe.submit.settings import Configuration, require_address
from jupyter_pipe.submit.web import RefusedError, Web

__all__ = ["Databricks", "sighting_of"]

_API = "/api/2.2/jobs"
# No parameter of a notebook has a name with a hyphen.
_RUN = "jupyter-pipe-run"
_LIFE: dict[str, State] = {
    "QUEUED": "waiting",
    "PENDING": "waiting",
    "BLOCKED": "waiting",
    "WAITING_FOR_RETRY": "waiting",
    "RUNNING": "running",
    "TERMINATING": "running",
    "SKIPPED": "cancelled",
    "INTERNAL_ERROR": "failed",
}
_RESULTS: dict[str, State] = {
    "SUCCESS": "succeeded",
    "SUCCESS_WITH_FAILURES": "succeeded",
    "CANCELED": "cancelled",
    "EXCLUDED": "cancelled",
    # What lies behind a task that failed has not failed itself.
    "UPSTREAM_FAILED": "cancelled",
    "UPSTREAM_CANCELED": "cancelled",
}


class Databricks:
    """The handle has the job's number, what the run is started with, and the number of
    the `run` if it is known."""

    def __init__(self, configuration: Configuration) -> None:
        url = configuration.url or os.environ.get("DATABRICKS_HOST", "")
        require_address(url, "the workspace of Databricks", "DATABRICKS_HOST")
        self._configuration = configuration
        # Databricks' own variable may hold a name without a scheme.
        self._url = (url if "://" in url else f"https://{url}").rstrip("/")
        self._token_variable = configuration.token or "DATABRICKS_TOKEN"
        self._web = Web(
            "Databricks", self._url, os.environ.get(self._token_variable, "")
        )

    def require_settings(self) -> None:
        """A token, and the machines for stages."""
        if not os.environ.get(self._token_variable):
            raise SubmitError(
                f"Databricks lets nobody in without a token: {self._token_variable} is not set.",
                code="engine_settings",
                hint="Set it to a personal access token, or name another variable as token in engines.toml.",
            )
        if not self._configuration.machine:
            raise SubmitError(
                "Nobody says on which machines Databricks is to run stages.",
                code="engine_settings",
                hint="Set machine in engines.toml: i3.xlarge, Standard_DS3_v2, n2-highmem-4, …",
            )

    def start(self, order: Order) -> Started:
        """Bring the job up to date, or make it, and run it."""
        package = order.plan.options.package
        plan = named_by_shape(order, "databricks", order.plan.label)
        told = self._configuration
        where = Surroundings(
            package=plan.options.package,
            requirements=str(Path(package, "requirements.txt")),
            node_type_id=told.machine,
            spark_version=told.runtime or DEFAULT_RUNTIME,
            run_id=f"{{{{job.parameters.{_RUN}}}}}",
        )
        settings = job_of(plan, where)
        settings.setdefault("parameters", []).append(
            {"name": _RUN, "default": order.run_id}
        )
        values = {
            each.name: unevaluated(order.values[each.variable], "Databricks", "{{")
            for each in plan.parameters
            if each.variable in order.values
        }
        handle = {
            "job": str(self._job(plan.name, settings)),
            "token": order.run_id,
            "parameters": json.dumps({**values, _RUN: order.run_id}),
            "folder": str(order.folder),
        }
        run = begin_or_leave(handle, lambda: self._run(handle))
        if run is None:
            return Started(handle, f"{self._url}/jobs/{handle['job']}")
        return Started(
            {**handle, "run": str(run)}, f"{self._url}/jobs/{handle['job']}/runs/{run}"
        )

    def look(self, handle: Mapping[str, str]) -> Sighting:
        """The run and its tasks, which come in pages."""
        try:
            run, tasks = self._described(int(handle.get("run") or self._run(handle)))
        except RefusedError as error:
            # Runs are kept for sixty days; 400 is what a number gets that there is not.
            if error.answer not in {400, 404}:
                raise
            return Sighting("cancelled", note=error.message)
        return sighting_of(run, tasks)

    def cancel(self, handle: Mapping[str, str]) -> None:
        """Databricks ends the tasks that run and begins no others; one that has ended
        stays as it is."""
        self._web.post(
            f"{_API}/runs/cancel",
            {"run_id": int(handle.get("run") or self._run(handle))},
        )

    def _described(self, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        run: dict[str, Any] = {}
        tasks: list[dict[str, Any]] = []
        for run in self._web.pages(f"{_API}/runs/get", {"run_id": number}):
            tasks += run.get("tasks", ())
        return run, tasks

    def _job(self, name: str, settings: Mapping[str, Any]) -> int:
        """The number of the job of that name, with these settings."""
        for page in self._web.pages(f"{_API}/list", {"name": name}):
            for each in page.get("jobs", ()):
                if each["settings"]["name"] == name:
                    self._web.post(
                        f"{_API}/reset",
                        {"job_id": each["job_id"], "new_settings": settings},
                    )
                    return int(each["job_id"])
        return int(self._web.post(f"{_API}/create", settings)["job_id"])

    def _run(self, handle: Mapping[str, str]) -> int:
        """The number of the run, which this request starts if no other has."""
        body = {
            "job_id": int(handle["job"]),
            "idempotency_token": handle["token"],
            "job_parameters": json.loads(handle["parameters"]),
        }
        return int(self._web.post(f"{_API}/run-now", body)["run_id"])


def sighting_of(run: Mapping[str, Any], tasks: list[dict[str, Any]]) -> Sighting:
    """What a run and its tasks say, as the API describes them."""
    stages: dict[str, StageSeen] = {}
    # Of a task that was repaired there is an entry for each attempt.
    for task in sorted(tasks, key=lambda each: int(each.get("attempt_number") or 0)):
        state, note = _state(task)
        stages[task["task_key"]] = StageSeen(state, note)
    state, note = _state(run)
    return Sighting(state, stages, note)


def _state(described: Mapping[str, Any]) -> tuple[State, str]:
    """The state of a run or task, and Databricks' words for it: `FAILED: Workload
    failed`."""
    told = described.get("state") or {}
    life, result = (
        told.get("life_cycle_state") or "PENDING",
        told.get("result_state") or "",
    )
    words = [result or life, str(told.get("state_message") or "")]
    state = (
        _RESULTS.get(result, "failed")
        if life == "TERMINATED"
        else _LIFE.get(life, "failed")
    )
    return state, ": ".join(word for word in words if word)
