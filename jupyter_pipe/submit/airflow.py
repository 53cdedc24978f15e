"""Apache Airflow 3, through its folder of DAGs and its REST API: a DAG for each shape of a pipeline.

The DAG's id ends with a digest of its text, and each run brings its own package (`run-stage -`). So runs of
a notebook that was edited in between share a DAG and start at once, a run that goes on keeps what it began
with, and another graph is another DAG. Files of DAGs that nothing runs any more are removed when the
pipeline is submitted again; Airflow keeps what it knows of their runs.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.export import Plan, export_text, find_exporter, read_options
from jupyter_pipe.export.modules.airflow import dag_name
from jupyter_pipe.submit import Order, Sighting, StageSeen, Started, State, SubmitError
from jupyter_pipe.submit.settings import Configuration
from jupyter_pipe.submit.web import RefusedError, Web

__all__ = ["Airflow", "conf_of", "sighting_of"]

# Airflow looks for new files every five minutes, unless it is told otherwise.
_SECONDS_TO_READ = 1200.0
_SECONDS_TO_KEEP = 3600.0
_BEGUN = "begun"
_CANCELLED = "Cancelled by jupyter pipe."
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
    """The handle has what `look` needs to start the run once Airflow has read the DAG: `dag`, its `file`,
    the typed parameters as `conf`, when the file was `placed`, the run's `folder`."""

    def __init__(self, configuration: Configuration) -> None:
        url = configuration.url or os.environ.get("AIRFLOW__API__BASE_URL", "")
        if not url:
            raise SubmitError(
                "Nobody says where Airflow is.",
                code="engine_settings",
                hint="Set url in engines.toml, or AIRFLOW__API__BASE_URL, such as http://localhost:8080.",
            )
        self._configuration = configuration
        self._url = url.rstrip("/").removesuffix("/api/v2")
        token = os.environ.get(configuration.token or "AIRFLOW_CLI_TOKEN", "")
        self._web = Web("Airflow", self._url, token, renew=None if token else self._log_in)

    def require_settings(self) -> None:
        """The folder of DAGs has to be there."""
        _dags_folder(self._configuration)

    def start(self, order: Order) -> Started:
        """Put the DAG into its folder. The run begins when Airflow has read it: `look` sees to that."""
        folder = _dags_folder(self._configuration)
        plan = _plan(order)
        conf = conf_of(plan, order.values)
        self._require_access()
        text = export_text(find_exporter("airflow"), plan)
        dag = dag_name(plan)
        file = folder / f"{dag}.py"
        self._clear(folder, order.plan, file)
        try:
            replace_file(file, text.encode("utf-8"))
        except OSError as error:
            raise SubmitError(
                f"{file} cannot be written: {error.strerror or error}.",
                code="engine_settings",
                hint="Set dags in engines.toml to a folder of DAGs in which you may write.",
            ) from None
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
        """The DAG run and its task instances; one that has not begun yet is begun as soon as it can be."""
        try:
            run = self._web.get(_run_path(handle))
        except RefusedError as error:
            if error.answer != 404:
                raise
        else:
            tasks = self._web.get(f"{_run_path(handle)}/taskInstances?limit={_ALL}")["task_instances"]
            return sighting_of(run, tasks)
        if _was_begun(handle):
            return Sighting("cancelled", note="the DAG run is not there any more")
        return self._begin(handle)

    def cancel(self, handle: Mapping[str, str]) -> None:
        """Airflow ends the tasks that run and begins no others."""
        try:
            if self._web.get(_run_path(handle))["state"] in {"queued", "running"}:
                self._web.patch(_run_path(handle), {"state": "failed", "note": _CANCELLED})
        except RefusedError as error:
            if error.answer != 404:
                raise
            # Not begun yet: nor will it be.
            _note_begun(handle)

    def _begin(self, handle: Mapping[str, str]) -> Sighting:
        """Trigger the run if Airflow has read the DAG, which may take minutes."""
        dag = self._find_dag(handle["dag"])
        if dag is None or dag.get("is_stale"):
            return self._unread(handle)
        if dag.get("is_paused"):
            self._web.patch(f"/api/v2/dags/{handle['dag']}", {"is_paused": False})
        wanted = {"dag_run_id": handle["run"], "logical_date": None, "conf": json.loads(handle["conf"])}
        try:
            self._web.post(f"/api/v2/dags/{handle['dag']}/dagRuns", wanted)
        except RefusedError as error:
            # Triggered before, by a request whose answer was lost.
            if error.answer != 409:
                return Sighting("failed", note=error.message)
        _note_begun(handle)
        return Sighting("waiting", note="queued")

    def _unread(self, handle: Mapping[str, str]) -> Sighting:
        name = Path(handle["file"]).name
        problem = self._import_error(name, float(handle["placed"]))
        if problem:
            Path(handle["file"]).unlink(missing_ok=True)
            return Sighting("failed", note=f"{name} cannot be imported there: {problem}")
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
        """The last line of what Airflow says of the file as it was placed; empty if it says nothing."""
        try:
            asked = f"/api/v2/importErrors?filename_pattern={name}&limit={_ALL}"
            found = self._web.get(asked)["import_errors"]
        except RefusedError:
            return ""  # not everybody may see them
        for each in found:
            # Python 3.10 reads no Z.
            seen = datetime.fromisoformat(each["timestamp"].replace("Z", "+00:00")).timestamp()
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
                    f"There is no Airflow 3 at {self._url}: it has no /api/v2.", code="engine_settings"
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
        """A token for name and password; for nobody, where Airflow asks nobody who they are."""
        user = os.environ.get(_user_variable(self._configuration), "")
        password = os.environ.get(_password_variable(self._configuration), "")
        door = Web("Airflow", self._url)
        try:
            if user:
                answer = door.post("/auth/token", {"username": user, "password": password})
            else:
                answer = door.get("/auth/token")
        except RefusedError as error:
            raise self._locked_out(error.message) from None
        return str(answer["access_token"])

    def _clear(self, folder: Path, plan: Plan, ours: Path) -> None:
        """Remove DAGs of earlier shapes of the pipeline, in the same root, that nothing runs any more."""
        for path in folder.glob(f"{_stem(plan)}-*.py"):
            if path == ours or not _is_old(path) or not _is_alike(path, plan):
                continue
            asked = f"/api/v2/dags/{path.stem}/dagRuns?state=queued&state=running&limit=1"
            try:
                is_used = self._web.get(asked)["total_entries"] > 0
            except RefusedError as error:
                is_used = error.answer != 404
            if not is_used:
                path.unlink(missing_ok=True)


def sighting_of(run: Mapping[str, Any], tasks: list[dict[str, Any]]) -> Sighting:
    """What a DAG run and its task instances, as the API describes them, say. Airflow has no word for a run
    that was cancelled: it is one that failed, with a note."""
    is_cancelled = run.get("note") == _CANCELLED
    stages = {task["task_id"]: _seen(task["state"], is_cancelled=is_cancelled) for task in tasks}
    state = _STATES.get(run["state"], "failed")
    said = run.get("note") if state == "failed" else ""
    if is_cancelled and state == "failed":
        state = "cancelled"
    return Sighting(state, stages, ": ".join(word for word in (run["state"], said) if word))


def _seen(state: str | None, *, is_cancelled: bool) -> StageSeen:
    found = _STATES.get(state, "failed")
    if is_cancelled and found == "failed":
        found = "cancelled"
    return StageSeen(found, state or "")


def conf_of(plan: Plan, values: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that differ from the notebook's, in the types of the DAG's params. `values` are as the
    environment has them."""
    return {
        each.name: _typed(each.name, each.type_, values[each.variable])
        for each in plan.parameters
        if each.variable in values
    }


def _typed(name: str, type_: str, text: str) -> Any:
    if type_ == "str":
        return text
    try:
        found = ast.literal_eval(text)
    except ValueError:  # float("inf"), which has no literal
        raise SubmitError(
            f"Airflow's parameters are JSON, which has no {text}: {name} cannot be passed.",
            code="engine_refused",
        ) from None
    return float(found) if type_ == "float" else found


def _plan(order: Order) -> Plan:
    """The plan under the name of its DAG. What was compiled for this run is the run's own package; a package
    of the user's stays where it is. The schedule is for the exported file: a submission runs once."""
    plan = replace(order.plan, schedule=None)
    if Path(plan.options.package).is_relative_to(order.folder):
        plan = replace(plan, options=replace(plan.options, package="-"))
    text = export_text(find_exporter("airflow"), plan)
    return replace(plan, name=f"{_stem(plan)}-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:8]}")


def _stem(plan: Plan) -> str:
    # Ids end at 250 characters.
    return dag_name(plan)[:200]


def _dags_folder(configuration: Configuration) -> Path:
    """Where Airflow looks for DAGs: as configured, or as Airflow's own variables say."""
    home = os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow"
    told = configuration.dags or os.environ.get("AIRFLOW__CORE__DAGS_FOLDER") or Path(home, "dags")
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


def _was_begun(handle: Mapping[str, str]) -> bool:
    return Path(handle["folder"], _BEGUN).exists()


def _note_begun(handle: Mapping[str, str]) -> None:
    Path(handle["folder"], _BEGUN).touch()


def _user_variable(configuration: Configuration) -> str:
    return configuration.user_variable or "AIRFLOW_USERNAME"


def _password_variable(configuration: Configuration) -> str:
    return configuration.password_variable or "AIRFLOW_PASSWORD"


def _is_old(path: Path) -> bool:
    """Whether whoever placed the file has had time to begin its run."""
    return time.time() - path.stat().st_mtime > _SECONDS_TO_KEEP


def _is_alike(path: Path, plan: Plan) -> bool:
    """Whether the file is of a pipeline that was submitted in the same root: others may have its name."""
    found = read_options(path.read_text(encoding="utf-8", errors="replace"))
    return found is not None and found[1].run_root == plan.options.run_root
