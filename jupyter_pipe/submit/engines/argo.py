"""Argo Workflows, through the REST API of its server: the exported workflow, named as
our run is.

The name makes a workflow unique in its namespace: one whose creation was not answered
is found by it, and never made twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from jupyter_pipe.export.manifests.argo import manifest_of, template_names, untemplated
from jupyter_pipe.submit import Order, Sighting, StageSeen, Started, State
from jupyter_pipe.submit.engines.beginning import (
    begin_or_leave,
    look_or_begin,
    note_begun,
)
from jupyter_pipe.submit.engines.containers import require_images
from jupyter_pipe.submit.engines.placing import once
from jupyter_pipe.submit.settings import Configuration, require_address
from jupyter_pipe.submit.web import RefusedError, Web

__all__ = ["Argo", "sighting_of"]

_FILE = "workflow.json"
# What Argo writes into the workflow's spec when somebody ends it.
_TERMINATE = "Terminate"
# A workflow that its controller has not seen yet has no phase.
_STATES: dict[str, State] = {
    "": "waiting",
    "Pending": "waiting",
    "Running": "running",
    "Succeeded": "succeeded",
    "Skipped": "succeeded",
    "Failed": "failed",
    "Error": "failed",
    # What lies behind a task that failed has not failed itself.
    "Omitted": "cancelled",
}


class Argo:
    """The handle has the workflow's `namespace` and `name`, and the stages by the names
    of their `templates`; the workflow itself is a file in the run's `folder`."""

    def __init__(self, configuration: Configuration) -> None:
        self._url = (configuration.url or _server()).rstrip("/")
        require_address(
            self._url, "the server of Argo", "ARGO_SERVER", "localhost:2746"
        )
        self._namespace = (
            configuration.namespace or os.environ.get("ARGO_NAMESPACE", "") or "default"
        )
        # As Argo's own command wants it: `Bearer v2:…`.
        token = os.environ.get(configuration.token or "ARGO_TOKEN", "").removeprefix(
            "Bearer "
        )
        self._web = Web("Argo", self._url, token)

    def require_settings(self) -> None:
        """Argo needs no more than its address."""

    def start(self, order: Order) -> Started:
        """Create the workflow, with the run's parameters as its arguments."""
        require_images(order.plan)
        plan = once(order)
        workflow = manifest_of(plan)
        workflow["metadata"] = {
            "name": order.run_id,
            "labels": {"jupyter-pipe/pipeline": plan.label},
        }
        variables = {each.name: each.variable for each in plan.parameters}
        for argument in workflow["spec"]["arguments"]["parameters"]:
            given = order.values.get(variables[argument["name"]])
            if given is not None:
                argument["value"] = untemplated(
                    f"the value of parameter {argument['name']!r}", given
                )
        (order.folder / _FILE).write_text(json.dumps(workflow), encoding="utf-8")
        handle = {
            "namespace": self._namespace,
            "name": order.run_id,
            "templates": json.dumps(
                {label: name for name, label in template_names(plan).items()}
            ),
            "folder": str(order.folder),
        }
        # Whether it answers at all, and to whom: what it does not answer later may have
        # been done.
        self._find(handle)
        begin_or_leave(handle, lambda: self._create(handle))
        return Started(
            handle, f"{self._url}/workflows/{self._namespace}/{order.run_id}"
        )

    def look(self, handle: Mapping[str, str]) -> Sighting:
        """The workflow and its nodes."""
        templates = json.loads(handle["templates"])
        return look_or_begin(
            handle,
            lambda: self._find(handle),
            lambda: self._create(handle),
            lambda workflow: sighting_of(workflow, templates),
        )

    def cancel(self, handle: Mapping[str, str]) -> None:
        """Argo ends the pods that run and begins no others."""
        note_begun(handle)
        workflow = self._find(handle)
        if workflow is not None and _phase(workflow) in {"waiting", "running"}:
            named = {"namespace": handle["namespace"], "name": handle["name"]}
            self._web.put(f"{_path(handle)}/terminate", named)

    def _create(self, handle: Mapping[str, str]) -> None:
        with open(os.path.join(handle["folder"], _FILE), encoding="utf-8") as file:
            workflow = json.load(file)
        body = {"namespace": handle["namespace"], "workflow": workflow}
        self._web.post(f"/api/v1/workflows/{quote(handle['namespace'])}", body)

    def _find(self, handle: Mapping[str, str]) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._web.get(_path(handle))
        except RefusedError as error:
            if error.answer != 404:
                raise
            return None
        return found


def sighting_of(workflow: Mapping[str, Any], templates: Mapping[str, str]) -> Sighting:
    """What a workflow says, as the API describes it. `templates` are stages by their
    templates' names."""
    status = workflow.get("status") or {}
    is_ended = workflow.get("spec", {}).get("shutdown") == _TERMINATE
    stages: dict[str, StageSeen] = {}
    for node in (status.get("nodes") or {}).values():
        stage = templates.get(node.get("templateName", ""))
        # A template with retries has a node for itself, and one for each of its
        # attempts.
        if stage is None or (node["type"] != "Retry" and stage in stages):
            continue
        stages[stage] = _seen(node, is_ended=is_ended)
    state = _phase(workflow)
    if is_ended and state == "failed":
        state = "cancelled"
    return Sighting(state, stages, _words(status))


def _phase(workflow: Mapping[str, Any]) -> State:
    return _STATES.get((workflow.get("status") or {}).get("phase") or "", "failed")


def _seen(node: Mapping[str, Any], *, is_ended: bool) -> StageSeen:
    state = _STATES.get(node.get("phase") or "", "failed")
    if is_ended and state == "failed":
        state = "cancelled"
    return StageSeen(state, _words(node))


def _words(described: Mapping[str, Any]) -> str:
    return ": ".join(
        word for word in (described.get("phase"), described.get("message")) if word
    )


def _path(handle: Mapping[str, str]) -> str:
    return f"/api/v1/workflows/{quote(handle['namespace'])}/{quote(handle['name'])}"


def _server() -> str:
    """The address in the variables of Argo's own command."""
    server = os.environ.get("ARGO_SERVER", "")
    scheme = "http" if os.environ.get("ARGO_SECURE", "").lower() == "false" else "https"
    return f"{scheme}://{server}" if server else ""
