"""Prefect 3, through its REST API: a deployment a run, carried out by a worker of a
pool that runs processes on machines that see the run's folder. Secrets come from the
workers' environment or Prefect's blocks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from jupyter_pipe.export import export_text, find_exporter
from jupyter_pipe.export.modules.prefect import flow_name, parameter_names
from jupyter_pipe.submit import Order, Sighting, StageSeen, Started, State, SubmitError
from jupyter_pipe.submit.settings import Configuration, require_address
from jupyter_pipe.submit.web import Web

__all__ = ["Prefect", "sighting_of"]

_STATES: dict[str, State] = {
    "SCHEDULED": "waiting",
    "PENDING": "waiting",
    "PAUSED": "waiting",
    "RUNNING": "running",
    "CANCELLING": "running",
    "COMPLETED": "succeeded",
    "CANCELLED": "cancelled",
    "FAILED": "failed",
    "CRASHED": "failed",
}
_ALL = 200


class Prefect:
    """The handle has the id of the flow run."""

    def __init__(self, configuration: Configuration) -> None:
        self._url = (configuration.url or os.environ.get("PREFECT_API_URL", "")).rstrip(
            "/"
        )
        self._pool = configuration.pool or os.environ.get(
            "PREFECT_DEFAULT_WORK_POOL_NAME", ""
        )
        require_address(self._url, "Prefect's API", "PREFECT_API_URL")
        token = os.environ.get(configuration.token or "PREFECT_API_KEY", "")
        self._web = Web("Prefect", self._url, token)

    def require_settings(self) -> None:
        """A work pool has to be named."""
        if not self._pool:
            raise SubmitError(
                "Nobody says which of Prefect's work pools is to run it.",
                code="engine_settings",
                hint="Set PREFECT_DEFAULT_WORK_POOL_NAME, or pool in engines.toml.",
            )

    def start(self, order: Order) -> Started:
        """Make a deployment of the exported flow, and a run of it."""
        # Workers copy the folder of a flow: in the run's own, files come and go while
        # they do.
        script = order.folder / "flow" / "submitted.py"
        script.parent.mkdir()
        script.write_text(
            export_text(find_exporter("prefect"), order.plan), encoding="utf-8"
        )
        flow = self._web.post("/flows/", {"name": flow_name(order.plan)})
        # Of its own: that of an earlier run may still have to start, from its own file.
        deployment = self._web.post(
            "/deployments/",
            {
                "name": order.run_id,
                "flow_id": flow["id"],
                "path": str(script.parent),
                "entrypoint": f"{script.name}:pipeline",
                "work_pool_name": self._pool,
            },
        )
        names = parameter_names(order.plan)
        given = {
            names[each.name]: order.values.get(each.variable)
            for each in order.plan.parameters
        }
        run = self._web.post(
            f"/deployments/{deployment['id']}/create_flow_run",
            {
                "name": order.run_id,
                # Asked for twice, it is made once.
                "idempotency_key": order.run_id,
                "parameters": {
                    name: value for name, value in given.items() if value is not None
                },
                "job_variables": {"env": {"JUPYTER_PIPE_RUN_ID": order.run_id}},
            },
        )
        page = f"{self._url.removesuffix('/api')}/runs/flow-run/{run['id']}"
        return Started({"flow_run": run["id"]}, page)

    def look(self, handle: Mapping[str, str]) -> Sighting:
        """The flow run, and the task runs that it has made by now."""
        run = self._web.get(f"/flow_runs/{handle['flow_run']}")
        asked = {"flow_runs": {"id": {"any_": [handle["flow_run"]]}}, "limit": _ALL}
        return sighting_of(run, self._web.post("/task_runs/filter", asked))

    def cancel(self, handle: Mapping[str, str]) -> None:
        """The worker ends the process of the flow."""
        state = {"type": "CANCELLING", "name": "Cancelling"}
        self._web.post(f"/flow_runs/{handle['flow_run']}/set_state", {"state": state})


def sighting_of(run: Mapping[str, Any], tasks: list[dict[str, Any]]) -> Sighting:
    """What a flow run and its task runs, as the API describes them, say."""
    state, note = _state(run)
    stages = {task["name"]: StageSeen(*_state(task)) for task in tasks}
    return Sighting(state, stages, note)


def _state(described: Mapping[str, Any]) -> tuple[State, str]:
    """A run that nobody has scheduled yet has no state."""
    found = described.get("state") or {"type": "PENDING"}
    words = [str(found.get("name") or ""), str(found.get("message") or "")]
    return _STATES.get(found["type"], "failed"), ": ".join(
        word for word in words if word
    )
