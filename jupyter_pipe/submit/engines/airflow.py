"""Apache Airflow 3, through its folder of DAGs and its REST API: a DAG for each shape
of a pipeline (`submit.placing`). Airflow keeps what it knows of the runs of DAGs whose
files are removed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_pipe.export import export_text, find_exporter
from jupyter_pipe.export.modules.airflow import dag_name
from jupyter_pipe.submit import Order, Sighting, StageSeen, Started, State, SubmitError
from jupyter_pipe.submit.engines.beginning import note_begun, was_begun
from jupyter_pipe.submit.engines.placing import (
    clear,
    named_by_shape,
    place,
    typed_values,
)
from jupyter_pipe.submit.settings import Configuration, require_address
from jupyter_pipe.submit.web import RefusedError, Web

__all__ = ["Airflow", "sighting_of"]

# Airflow looks for new files every five minutes, unless it is told otherwise.
_SECONDS_TO_READ = 1200.0
# By this note a run that we ended is known from one that failed.
_CANCELLED = "Cancelled by jupyter pipe."
# Task instances and errors of imports: more than a pipeline has stages.
_ALL = 1000
_STATES: dict[str | None, State] = {
    None: "waiting",
    "scheduled": "waiting",
    "queued": "waiting",
    "up_for_retry": "waiting",
    "up_for_reschedule": "waiting",
    "deferred": "waiting",
    "awaiting_input": "waiting",
    "restarting": "running",
    "running": "running",
    "success": "succeeded",
    "failed": "failed",
    # What lies behind a task that failed has not failed itself.
    "upstream_failed": "cancelled",
    "skipped": "cancelled",
    "removed": "cancelled",
}


class Airflow:
    """The handle has what `look` needs to start the run once Airflow has read the DAG:
    `dag`, its `file`, the typed parameters as `conf`, when the file was `placed`, the
    run's `folder`."""

    def __init__(self, configuration: Configuration) -> None:
        url = configuration.url or os.environ.get("AIRFLOW__API__BASE_URL", "")
        require_address(
            url, "Airflow", "AIRFLOW__API__BASE_URL", "http://localhost:8080"
        )
        self._configuration = configuration
        # With or without the path of the API: people copy both.
        self._url = url.rstrip("/").removesuffix("/api/v2")
        token = os.environ.get(configuration.token or "AIRFLOW_CLI_TOKEN", "")
        self._web = Web(
            "Airflow", self._url, token, renew=None if token else self._log_in
        )

    def require_settings(self) -> None:
        """The folder of DAGs has to be there."""
        _dags_folder(self._configuration)

    def start(self, order: Order) -> Started:
        """Put the DAG into its folder. The run begins when Airflow has read it: `look`
        sees to that."""
        folder = _dags_folder(self._configuration)
        # Ids of DAGs end at 250 characters.
        stem = dag_name(order.plan)[:200]
        plan = named_by_shape(order, "airflow", stem)
        conf = typed_values("Airflow", plan, order.values)
        self._require_access()
        dag = dag_name(plan)
        clear(folder, f"{stem}-*.py", plan, self._is_used)
        file = place(
            folder / f"{dag}.py",
            export_text(find_exporter("airflow"), plan),
            hint="Set dags in engines.toml to a folder of DAGs in which you may write.",
        )
        handle = {
            "dag": dag,
            "run": order.run_id,
            "file": str(file),
            "conf": json.dumps(conf),
            "placed": repr(time.time()),
            "folder": str(order.folder),
        }
        return Started(handle, f"{self._url}/dags/{dag}/runs/{order.run_id}")

    def look(self, handle: Mapping[str, str]) -> Sighting:
        """The DAG run and its task instances; one that has not begun yet is begun as
        soon as it can be."""
        try:
            run = self._web.get(_run_path(handle))
        except RefusedError as error:
            if error.answer != 404:
                raise
        else:
            tasks = self._web.get(f"{_run_path(handle)}/taskInstances?limit={_ALL}")[
                "task_instances"
            ]
            return sighting_of(run, tasks)
        if was_begun(handle):
            return Sighting("cancelled", note="the DAG run is not there any more")
        return self._begin(handle)

    def cancel(self, handle: Mapping[str, str]) -> None:
        """Airflow ends the tasks that run and begins no others."""
        try:
            if self._web.get(_run_path(handle))["state"] in {"queued", "running"}:
                self._web.patch(
                    _run_path(handle), {"state": "failed", "note": _CANCELLED}
                )
        except RefusedError as error:
            if error.answer != 404:
                raise
            # Not begun yet: nor will it be.
            note_begun(handle)

    def _begin(self, handle: Mapping[str, str]) -> Sighting:
        """Trigger the run if Airflow has read the DAG, which may take minutes."""
        dag = self._find_dag(handle["dag"])
        if dag is None or dag.get("is_stale"):
            return self._unread(handle)
        # New DAGs are paused, unless Airflow is told otherwise.
        if dag.get("is_paused"):
            self._web.patch(f"/api/v2/dags/{handle['dag']}", {"is_paused": False})
        wanted = {
            "dag_run_id": handle["run"],
            # A run that is triggered belongs to no interval of a schedule.
            "logical_date": None,
            "conf": json.loads(handle["conf"]),
        }
        try:
            self._web.post(f"/api/v2/dags/{handle['dag']}/dagRuns", wanted)
        except RefusedError as error:
            # Triggered before, by a request whose answer was lost.
            if error.answer != 409:
                return Sighting("failed", note=error.message)
        note_begun(handle)
        return Sighting("waiting", note="queued")

    def _unread(self, handle: Mapping[str, str]) -> Sighting:
        name = Path(handle["file"]).name
        problem = self._import_error(name, float(handle["placed"]))
        if problem:
            Path(handle["file"]).unlink(missing_ok=True)
            return Sighting(
                "failed", note=f"{name} cannot be imported there: {problem}"
            )
        if time.time() - float(handle["placed"]) > _SECONDS_TO_READ:
            return Sighting(
                "failed",
                note=f"has not read {handle['file']} in {_SECONDS_TO_READ / 60:g} minutes: "
                "is that its folder of DAGs, and does its DAG processor run?",
            )
        return Sighting("waiting", note=f"has not read {name} yet")

    def _find_dag(self, dag: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._web.get(f"/api/v2/dags/{dag}")
        except RefusedError as error:
            if error.answer != 404:
                raise
            return None
        return found

    def _import_error(self, name: str, placed: float) -> str:
        """The last line of what Airflow says of the file as it was placed; empty if it
        says nothing."""
        try:
            asked = f"/api/v2/importErrors?filename_pattern={name}&limit={_ALL}"
            found = self._web.get(asked)["import_errors"]
        except RefusedError:
            return ""  # not everybody may see them
        for each in found:
            # Python 3.10 reads no Z.
            seen = datetime.fromisoformat(
                each["timestamp"].replace("Z", "+00:00")
            ).timestamp()
            if Path(each["filename"]).name == name and seen >= placed:
                lines: list[str] = each["stack_trace"].strip().splitlines()
                return lines[-1] if lines else "it does not say why"
        return ""

    def _require_access(self) -> None:
        try:
            self._web.get("/api/v2/dags?limit=1")
        except RefusedError as error:
            if error.answer in {401, 403}:
                raise self._locked_out(error.message) from None
            if error.answer == 404:
                raise SubmitError(
                    f"There is no Airflow 3 at {self._url}: it has no /api/v2.",
                    code="engine_settings",
                ) from None
            raise

    def _locked_out(self, message: str) -> SubmitError:
        told = self._configuration
        return SubmitError(
            message,
            code="engine_refused",
            hint=f"Set {told.token or 'AIRFLOW_CLI_TOKEN'} to a token, or {_user_variable(told)} and "
            f"{_password_variable(told)}, of somebody who may trigger DAGs.",
        )

    def _log_in(self) -> str:
        """A token for name and password; for nobody, where Airflow asks nobody who they
        are."""
        user = os.environ.get(_user_variable(self._configuration), "")
        password = os.environ.get(_password_variable(self._configuration), "")
        door = Web("Airflow", self._url)
        try:
            if user:
                answer = door.post(
                    "/auth/token", {"username": user, "password": password}
                )
            else:
                answer = door.get("/auth/token")
        except RefusedError as error:
            raise self._locked_out(error.message) from None
        return str(answer["access_token"])

    def _is_used(self, dag: str) -> bool:
        """Whether a run of the DAG is going on or waiting."""
        asked = f"/api/v2/dags/{dag}/dagRuns?state=queued&state=running&limit=1"
        try:
            return bool(self._web.get(asked)["total_entries"])
        except RefusedError as error:
            return error.answer != 404


def sighting_of(run: Mapping[str, Any], tasks: list[dict[str, Any]]) -> Sighting:
    """What a DAG run and its task instances, as the API describes them, say. Airflow
    has no word for a run that was cancelled: it is one that failed, with a note."""
    is_cancelled = run.get("note") == _CANCELLED
    stages = {
        task["task_id"]: _seen(task["state"], is_cancelled=is_cancelled)
        for task in tasks
    }
    state = _STATES.get(run["state"], "failed")
    said = run.get("note") if state == "failed" else ""
    if is_cancelled and state == "failed":
        state = "cancelled"
    return Sighting(
        state, stages, ": ".join(word for word in (run["state"], said) if word)
    )


def _seen(state: str | None, *, is_cancelled: bool) -> StageSeen:
    found = _STATES.get(state, "failed")
    if is_cancelled and found == "failed":
        found = "cancelled"
    return StageSeen(found, state or "")


def _dags_folder(configuration: Configuration) -> Path:
    """Where Airflow looks for DAGs: as configured, or as Airflow's own variables
    say."""
    home = os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow"
    told = (
        configuration.dags
        or os.environ.get("AIRFLOW__CORE__DAGS_FOLDER")
        or Path(home, "dags")
    )
    folder = Path(told).expanduser()
    if not folder.is_dir():
        raise SubmitError(
            f"Airflow's folder of DAGs is not there: {folder}.",
            code="engine_settings",
            hint="Set dags in engines.toml, or AIRFLOW__CORE__DAGS_FOLDER, to the folder that Airflow reads, "
            "as this machine sees it.",
        )
    return folder


def _run_path(handle: Mapping[str, str]) -> str:
    return f"/api/v2/dags/{handle['dag']}/dagRuns/{handle['run']}"


def _user_variable(configuration: Configuration) -> str:
    return configuration.user_variable or "AIRFLOW_USERNAME"


def _password_variable(configuration: Configuration) -> str:
    return configuration.password_variable or "AIRFLOW_PASSWORD"
