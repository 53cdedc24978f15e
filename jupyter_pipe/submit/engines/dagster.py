"""Dagster, through a folder of definitions and its GraphQL API: a job for each shape of
a pipeline (`submit.placing`).

Dagster serves one file of that folder as a code location, which loads all the others. A
run has our id in a tag: by it a run is found whose launch was not answered, and none is
launched twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe.export import Plan, export_text, find_exporter
from jupyter_pipe.export.modules.dagster import asset_keys, job_name
from jupyter_pipe.submit import Order, Sighting, StageSeen, Started, State, SubmitError
from jupyter_pipe.submit.engines.beginning import (
    begin_or_leave,
    look_or_begin,
    note_begun,
)
from jupyter_pipe.submit.engines.placing import (
    clear,
    named_by_shape,
    place,
    typed_values,
)
from jupyter_pipe.submit.settings import Configuration, require_address
from jupyter_pipe.submit.web import RefusedError, Web

__all__ = ["LOCATION", "Dagster", "sighting_of"]

LOCATION = "jupyter_pipe_location.py"
"""The file that Dagster serves, which is also the name of the code location unless a
workspace names it."""

# Holds our run's id.
_TAG = "jupyter_pipe/run"
# As Dagster calls the only one of a file of definitions.
_REPOSITORY = "__repository__"
_WRITABLE = "Set definitions in engines.toml to a folder in which you may write."
_LOADER = '''\
"""Written by `jupyter pipe submit`: the definitions of all pipelines beside this file."""

import importlib.util
import logging
import sys
from pathlib import Path

import dagster as dg

found = []
for path in sorted(Path(__file__).parent.glob("pipeline_*.py")):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    # Dagster asks where a resource is defined, and looks there.
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found.append(module.defs)
    except Exception:
        # One file that cannot be used must not take the others away.
        logging.getLogger("dagster").exception("%s cannot be loaded.", path)
defs = dg.Definitions.merge(*found)
'''
_RUN_STATES: dict[str, State] = {
    "QUEUED": "waiting",
    "NOT_STARTED": "waiting",
    "MANAGED": "waiting",
    "STARTING": "waiting",
    "SUSPENDED": "waiting",
    "STARTED": "running",
    "CANCELING": "running",
    "SUCCESS": "succeeded",
    "CANCELED": "cancelled",
    "FAILURE": "failed",
}
_STEP_STATES: dict[str | None, State] = {
    None: "waiting",
    "IN_PROGRESS": "running",
    "SUCCESS": "succeeded",
    # What lies behind a step that failed has not failed itself.
    "SKIPPED": "cancelled",
    "FAILURE": "failed",
}
_ERROR = "... on Error { message }"
_VERSION = "query { version }"
_RELOAD = f"""mutation ($location: String!) {{
  told: reloadRepositoryLocation(repositoryLocationName: $location) {{ __typename {_ERROR} }}
}}"""
_LOADED = f"""query ($location: String!) {{
  told: workspaceLocationEntryOrError(name: $location) {{
    __typename
    {_ERROR}
    ... on WorkspaceLocationEntry {{
      locationOrLoadError {{
        __typename
        {_ERROR}
        ... on RepositoryLocation {{ repositories {{ name pipelines {{ name }} }} }}
      }}
    }}
  }}
}}"""
_LAUNCH = f"""mutation ($wanted: ExecutionParams!) {{
  told: launchRun(executionParams: $wanted) {{
    __typename
    {_ERROR}
    ... on LaunchRunSuccess {{ run {{ runId }} }}
    ... on RunConfigValidationInvalid {{ errors {{ message }} }}
  }}
}}"""
_FIND = f"""query ($tag: ExecutionTag!) {{
  told: runsOrError(filter: {{tags: [$tag]}}, limit: 1) {{
    __typename
    {_ERROR}
    ... on Runs {{ results {{ runId status stepStats {{ stepKey status }} }} }}
  }}
}}"""
_USED = f"""query ($job: String!) {{
  told: runsOrError(
    filter: {{pipelineName: $job, statuses: [QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]}}, limit: 1
  ) {{
    __typename
    {_ERROR}
    ... on Runs {{ results {{ runId }} }}
  }}
}}"""
_END = f"""mutation ($run: String!) {{
  told: terminateRun(runId: $run, terminatePolicy: SAFE_TERMINATE) {{ __typename {_ERROR} }}
}}"""
_WHY = """query ($run: ID!, $cursor: String) {
  told: logsForRun(runId: $run, afterCursor: $cursor) {
    __typename
    ... on EventConnection {
      cursor
      hasMore
      events { __typename ... on MessageEvent { message } ... on RunFailureEvent { error { message } } }
    }
  }
}"""


class Dagster:
    """The handle has what `look` needs to launch the run, if no answer came when it was
    launched: the `job`, its `config`; and the `steps`, which are stages by the keys of
    their steps."""

    def __init__(self, configuration: Configuration) -> None:
        url = configuration.url or os.environ.get("DAGSTER_URL", "")
        require_address(url, "Dagster", "DAGSTER_URL", "http://localhost:3000")
        self._configuration = configuration
        self._url = url.rstrip("/").removesuffix("/graphql")
        self._location = configuration.location or LOCATION
        self._web = Web(
            "Dagster",
            self._url,
            os.environ.get(configuration.token or "DAGSTER_TOKEN", ""),
        )

    def require_settings(self) -> None:
        """The folder of definitions has to be there."""
        _folder(self._configuration)

    def start(self, order: Order) -> Started:
        """Put the definitions into their folder, have Dagster load them, and launch the
        job."""
        folder = _folder(self._configuration)
        # Labels end at 50 characters: the digest has to be in it.
        plan = named_by_shape(order, "dagster", order.plan.label[:41].strip("-"))
        config = typed_values("Dagster", plan, order.values)
        # Before Dagster is asked: it cannot begin to serve the folder without this
        # file.
        place(folder / LOCATION, _LOADER, hint=_WRITABLE)
        self._ask(_VERSION)
        job = job_name(plan)
        self._clear(folder, plan, job)
        place(
            folder / f"{job}.py",
            export_text(find_exporter("dagster"), plan),
            hint=_WRITABLE,
        )
        self._load(folder, job)
        handle = {
            "job": job,
            "run": order.run_id,
            "config": json.dumps({"resources": {job: {"config": config}}}),
            "steps": json.dumps(
                {f"{job}__{key}": name for name, key in asset_keys(plan).items()}
            ),
            "folder": str(order.folder),
        }
        found = begin_or_leave(handle, lambda: self._launch(handle))
        shown = f"runs/{found}" if found else f"runs?q=tag:{_TAG}={order.run_id}"
        return Started(handle, f"{self._url}/{shown}")

    def look(self, handle: Mapping[str, str]) -> Sighting:
        """The run and its steps."""

        def sighting(run: dict[str, Any]) -> Sighting:
            why = self._reason(run["runId"]) if run["status"] == "FAILURE" else ""
            return sighting_of(run, json.loads(handle["steps"]), why)

        return look_or_begin(
            handle, lambda: self._find(handle), lambda: self._launch(handle), sighting
        )

    def cancel(self, handle: Mapping[str, str]) -> None:
        """Dagster interrupts the steps that run and begins no others."""
        run = self._find(handle)
        # Not launched yet: nor will it be.
        note_begun(handle)
        if run is not None and _RUN_STATES.get(run["status"]) in {"waiting", "running"}:
            told = self._ask(_END, run=run["runId"])
            # One that ended meanwhile cannot be terminated, which is as good.
            if told["__typename"] not in {
                "TerminateRunSuccess",
                "TerminateRunFailure",
                "RunNotFoundError",
            }:
                raise _refused(told)

    def _clear(self, folder: Path, plan: Plan, job: str) -> None:
        def is_used(name: str) -> bool:
            return name == job or bool(self._ask(_USED, job=name)["results"])

        clear(folder, f"{job.rpartition('_')[0]}_*.py", plan, is_used)

    def _load(self, folder: Path, job: str) -> None:
        """Have Dagster read the folder again. Raises SubmitError if it does not serve
        it, or if it does not find the job there."""
        told = self._ask(_RELOAD, location=self._location)
        if told["__typename"] == "RepositoryLocationNotFound":
            raise SubmitError(
                f"Dagster has no code location {self._location!r}.",
                code="engine_settings",
                hint=f"Have it serve {folder / LOCATION}, which loads what is submitted: "
                f"dagster dev -f {folder / LOCATION}, or name that file in its workspace.yaml. Where it has "
                "another name there, set location in engines.toml.",
            )
        if told["__typename"] != "WorkspaceLocationEntry":
            raise _refused(told)
        # Asked by itself: what the answer above could tell of the location is how it
        # was before.
        told = self._ask(_LOADED, location=self._location)
        loaded = told.get("locationOrLoadError") or told
        if "repositories" not in loaded:
            raise _refused(loaded)
        names = {
            each["name"]
            for found in loaded["repositories"]
            for each in found["pipelines"]
        }
        if job not in names:
            raise SubmitError(
                f"Dagster does not find {job}.py in its code location {self._location!r}.",
                code="engine_settings",
                hint=f"Is {folder}, as Dagster sees it, the folder of that location? Its log says what it "
                "could not load.",
            )

    def _launch(self, handle: Mapping[str, str]) -> str:
        """Launch the run; its id in Dagster. Raises RefusedError with what Dagster has
        against it."""
        wanted = {
            "selector": {
                "jobName": handle["job"],
                "repositoryName": _REPOSITORY,
                "repositoryLocationName": self._location,
            },
            "runConfigData": json.loads(handle["config"]),
            "executionMetadata": {"tags": [{"key": _TAG, "value": handle["run"]}]},
        }
        told = self._ask(_LAUNCH, wanted=wanted)
        if told["__typename"] != "LaunchRunSuccess":
            raise _refused(told)
        return str(told["run"]["runId"])

    def _find(self, handle: Mapping[str, str]) -> dict[str, Any] | None:
        told = self._ask(_FIND, tag={"key": _TAG, "value": handle["run"]})
        if "results" not in told:
            raise _refused(told)
        return next(iter(told["results"]), None)

    def _reason(self, run: str) -> str:
        """What Dagster says of a run that failed, besides that a step did: empty if
        that is all."""
        told: dict[str, Any] = {"hasMore": True, "cursor": None}
        said = ""
        while told.get("hasMore"):
            told = self._ask(_WHY, run=run, cursor=told["cursor"])
            for event in told.get("events", ()):
                if event["__typename"] == "RunFailureEvent":
                    said = (event.get("error") or event)["message"]
        return str(said).strip().partition("\n")[0]

    def _ask(self, query: str, **variables: Any) -> Any:
        """The one thing that the query asks for. Raises RefusedError for a query that
        Dagster does not understand: of another version, or of another server."""
        answer = self._web.post("/graphql", {"query": query, "variables": variables})
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
            raise RefusedError(
                f"{self._url}/graphql is not Dagster's, or not of this version.", 400
            )
        return answer["data"].get("told")


def sighting_of(
    run: Mapping[str, Any], steps: Mapping[str, str], why: str = ""
) -> Sighting:
    """What a run and its steps, as the API describes them, say. `steps` are stages by
    their steps' keys; `why` is the engine's reason for a run that failed."""
    stages = {
        steps[step["stepKey"]]: StageSeen(
            _STEP_STATES.get(step["status"], "failed"), step["status"] or ""
        )
        for step in run["stepStats"]
        if step["stepKey"] in steps
    }
    state = _RUN_STATES.get(run["status"], "failed")
    if state == "cancelled":
        # A step that was interrupted is one that failed there.
        stages = {
            name: StageSeen(_unless_failed(seen.state), seen.note)
            for name, seen in stages.items()
        }
    return Sighting(
        state, stages, ": ".join(word for word in (run["status"], why) if word)
    )


def _unless_failed(state: State) -> State:
    return "succeeded" if state == "succeeded" else "cancelled"


def _refused(told: Mapping[str, Any]) -> RefusedError:
    """The error that the API describes."""
    said = told.get("message") or "; ".join(
        each["message"] for each in told.get("errors", ())
    )
    return RefusedError(f"Dagster refuses ({told['__typename']}): {said}", 400)


def _folder(configuration: Configuration) -> Path:
    """Where the definitions are: as configured, or below Dagster's own folder."""
    home = os.environ.get("DAGSTER_HOME", "")
    told = configuration.definitions or (str(Path(home, "definitions")) if home else "")
    if not told:
        raise SubmitError(
            "Nobody says in which folder Dagster looks for definitions.",
            code="engine_settings",
            hint="Set definitions in engines.toml, or DAGSTER_HOME, which has a folder of that name.",
        )
    folder = Path(told).expanduser().absolute()
    if not folder.is_dir():
        raise SubmitError(
            f"Dagster's folder of definitions is not there: {folder}.",
            code="engine_settings",
            hint="Make it, or set definitions in engines.toml to the folder as this machine sees it.",
        )
    return folder
