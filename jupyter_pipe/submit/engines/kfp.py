"""Kubeflow Pipelines 2, through its REST API (v2beta1): a run whose pipeline travels
with it.

Runs have our run's id as their name, by which one is found whose creation was not
answered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_pipe.submit import Order, Sighting, StageSeen, Started, State, SubmitError
from jupyter_pipe.submit.engines.beginning import (
    begin_or_leave,
    look_or_begin,
    note_begun,
)
from jupyter_pipe.submit.engines.containers import require_images
from jupyter_pipe.submit.engines.kfp_spec import document_of, task_names
from jupyter_pipe.submit.engines.placing import once, typed_values
from jupyter_pipe.submit.settings import Configuration, require_address
from jupyter_pipe.submit.web import Web

__all__ = ["Kfp", "sighting_of"]

_API = "/apis/v2beta1"
_FILE = "kfp_run.json"
# Runs or experiments in one answer.
_PAGE = 100
_STATES: dict[str, State] = {
    "": "waiting",
    "RUNTIME_STATE_UNSPECIFIED": "waiting",
    "PENDING": "waiting",
    "PAUSED": "waiting",
    "RUNNING": "running",
    "CANCELING": "running",
    "SUCCEEDED": "succeeded",
    "SKIPPED": "cancelled",
    "CANCELED": "cancelled",
    "FAILED": "failed",
}


class Kfp:
    """The handle has the run's `name` and its `experiment`, and the stages by the names
    of their `tasks`; what is sent is a file in the run's `folder`."""

    def __init__(self, configuration: Configuration) -> None:
        url = configuration.url or os.environ.get("KF_PIPELINES_ENDPOINT", "")
        require_address(
            url, "Kubeflow Pipelines", "KF_PIPELINES_ENDPOINT", "http://localhost:8888"
        )
        self._url = url.rstrip("/")
        self._namespace = configuration.namespace
        token = os.environ.get(configuration.token or "KF_PIPELINES_TOKEN", "")
        self._web = Web(
            "Kubeflow Pipelines",
            self._url,
            token or _mounted(),
            renew=None if token else _mounted,
        )

    def require_settings(self) -> None:
        """Kubeflow Pipelines needs no more than its address."""

    def start(self, order: Order) -> Started:
        """Create the run, in the experiment that has the pipeline's name."""
        require_images(order.plan)
        plan = once(order)
        values = typed_values("Kubeflow Pipelines", plan, order.values)
        experiment = self._experiment(plan.label)
        body = {
            "display_name": order.run_id,
            "description": plan.description,
            "experiment_id": experiment,
            "pipeline_spec": document_of(plan, order.run_id),
            "runtime_config": {"parameters": values},
        }
        # Kept, since who follows the run may have to send it again.
        (order.folder / _FILE).write_text(json.dumps(body), encoding="utf-8")
        handle = {
            "name": order.run_id,
            "experiment": experiment,
            "tasks": json.dumps(
                {label: name for name, label in task_names(plan).items()}
            ),
            "folder": str(order.folder),
        }
        found = begin_or_leave(handle, lambda: self._create(handle))
        shown = (
            f"runs/details/{found}" if found else f"experiments/details/{experiment}"
        )
        return Started(handle, f"{self._url}/#/{shown}")

    def look(self, handle: Mapping[str, str]) -> Sighting:
        """The run and its tasks."""
        tasks = json.loads(handle["tasks"])
        return look_or_begin(
            handle,
            lambda: self._find(handle),
            lambda: self._create(handle),
            lambda run: sighting_of(run, tasks),
        )

    def cancel(self, handle: Mapping[str, str]) -> None:
        """Kubeflow Pipelines ends the tasks that run and begins no others."""
        note_begun(handle)
        run = self._find(handle)
        if run is not None and _state(run) in {"waiting", "running"}:
            self._web.post(f"{_API}/runs/{quote(run['run_id'])}:terminate", {})

    def _create(self, handle: Mapping[str, str]) -> str:
        body = json.loads(Path(handle["folder"], _FILE).read_text(encoding="utf-8"))
        return str(self._web.post(f"{_API}/runs", body)["run_id"])

    def _find(self, handle: Mapping[str, str]) -> dict[str, Any] | None:
        """The run with its tasks, which lists do not have."""
        named = {"key": "name", "operation": "EQUALS", "string_value": handle["name"]}
        asked = {
            "experiment_id": handle["experiment"],
            "filter": json.dumps({"predicates": [named]}),
        }
        for run in self._listed("runs", asked):
            if run.get("display_name") == handle["name"]:
                found: dict[str, Any] = self._web.get(
                    f"{_API}/runs/{quote(run['run_id'])}"
                )
                return found
        return None

    def _experiment(self, name: str) -> str:
        asked = {"namespace": self._namespace} if self._namespace else {}
        for each in self._listed("experiments", asked):
            if each.get("display_name") == name:
                return str(each["experiment_id"])
        return str(
            self._web.post(f"{_API}/experiments", {"display_name": name, **asked})[
                "experiment_id"
            ]
        )

    def _listed(self, kind: str, asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        for page in self._web.pages(f"{_API}/{kind}", {**asked, "page_size": _PAGE}):
            yield from page.get(kind, ())


def sighting_of(run: Mapping[str, Any], tasks: Mapping[str, str]) -> Sighting:
    """What a run says, as the API describes it. `tasks` are stages by their tasks'
    names; other tasks are those of Kubeflow Pipelines itself."""
    details = (run.get("run_details") or {}).get("task_details") or ()
    stages = {
        tasks[task["display_name"]]: StageSeen(_state(task), _words(task))
        for task in details
        if task.get("display_name") in tasks
    }
    return Sighting(_state(run), stages, _words(run))


def _state(described: Mapping[str, Any]) -> State:
    return _STATES.get(described.get("state") or "", "failed")


def _words(described: Mapping[str, Any]) -> str:
    reason = (described.get("error") or {}).get("message")
    return ": ".join(word for word in (described.get("state"), reason) if word)


def _mounted() -> str:
    """The token that Kubernetes keeps in a file, and replaces there before it ends."""
    path = os.environ.get("KF_PIPELINES_SA_TOKEN_PATH", "")
    try:
        return Path(path).read_text(encoding="utf-8").strip() if path else ""
    except OSError as error:
        raise SubmitError(
            f"{path}, which KF_PIPELINES_SA_TOKEN_PATH names, cannot be read: {error.strerror}.",
            code="engine_settings",
        ) from None
