"""Tells MLflow about runs: a run of ours is a run there, stages are its children,
trials those of a study.

Each is found again by its tags, which it gets when it is made; all else is written
under the same name and value each time. Raises what MLflow raises, as RegistryError.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.events import RunState, StageState
from jupyter_pipe.runs.model import Run, StageRun
from jupyter_pipe.runs.report.words import gate_text
from jupyter_pipe.sweeps.model import best_trial
from jupyter_pipe.sweeps.spaces import dimension_text
from jupyter_pipe.tracking.address import find_address
from jupyter_pipe.tracking.mlflow_client import (
    experiment_id,
    keep_here,
    locked,
    open_client,
    reported,
)
from jupyter_pipe.tracking.told import Told, ToldTrial

__all__ = ["MlflowTracker"]

RUN_TAG = "jupyter_pipe.run_id"
STUDY_TAG = "jupyter_pipe.study_id"
KIND_TAG = "jupyter_pipe.kind"
_STATUS = {
    "succeeded": "FINISHED",
    "cached": "FINISHED",
    "cancelled": "KILLED",
    "interrupted": "KILLED",
    "skipped": "KILLED",
    "queued": "SCHEDULED",
    "running": "RUNNING",
}
# Characters: what MLflow takes as the value of a tag is not much longer.
_LONGEST_VALUE = 5000
_NOT_BEGUN = {StageState.queued, StageState.skipped}


class MlflowTracker:
    """`uri` is MLflow's, empty for the usual one of the root."""

    def __init__(self, uri: str, root: Path) -> None:
        self._address = find_address(root, uri)
        self._client: Any = None

    def tell(self, told: Told) -> None:
        """Bring MLflow's runs to what this run is now."""
        if self._client is None:
            self._client = open_client(self._address, feature="Tracking runs in MLflow")
        # Looking for a run and making it are two calls: of two processes, one makes it.
        with locked(self._address.state_folder, "tracking"), reported(self._address):
            experiment = experiment_id(self._client, self._address, told.run.pipeline)
            parent = self._study(experiment, told, told.trial) if told.trial else None
            mine = self._run(experiment, told, parent)
            for stage in told.run.stages:
                if stage.state not in _NOT_BEGUN:
                    self._stage(experiment, told, stage, mine)
            if told.run.is_final:
                self._end(mine, told)

    # Runs

    def _study(self, experiment: str, told: Told, trial: ToldTrial) -> str:
        """The run of the study, the parent of its trials: resumed or not, there is one.
        The metric of a trial is a point of its curve."""
        from mlflow.entities import Metric

        study = trial.study
        tags = {
            KIND_TAG: "study",
            STUDY_TAG: study.identity,
            "mlflow.runName": study.name,
        }
        mine = self._find_or_make(experiment, tags, told.run.queued)
        value, ended = told.run.metrics.get(study.metric), told.run.finished
        points = []
        if (
            told.run.state is RunState.succeeded
            and ended is not None
            and isinstance(value, (int, float))
        ):
            points.append(
                Metric(study.metric, float(value), _milliseconds(ended), trial.number)
            )
        self._log(mine, {}, points, _study_tags(trial))
        if trial.is_last:
            self._terminate(
                mine,
                "succeeded" if best_trial(study, trial.trials) else "failed",
                ended,
            )
        elif told.sweep == "over":
            self._terminate(mine, "interrupted", ended)
        elif told.sweep == "goes_on":
            # A study that ended may have been resumed with more trials.
            self._client.update_run(mine, status="RUNNING")
        return mine

    def _run(self, experiment: str, told: Told, parent: str | None) -> str:
        tags = {
            KIND_TAG: "run",
            RUN_TAG: told.run.run_id,
            "mlflow.runName": told.run.run_id,
        }
        if parent is not None:
            tags["mlflow.parentRunId"] = parent
        mine = self._find_or_make(experiment, tags, told.run.started or told.run.queued)
        self._log(
            mine,
            _parameters(told.run),
            list(_metrics(told)),
            {**_origin(told), **_outcomes(told.run)},
        )
        return mine

    def _stage(self, experiment: str, told: Told, stage: StageRun, parent: str) -> None:
        tags = {
            KIND_TAG: "stage",
            RUN_TAG: told.run.run_id,
            "jupyter_pipe.stage": stage.name,
            "mlflow.runName": stage.name,
            "mlflow.parentRunId": parent,
        }
        mine = self._find_or_make(experiment, tags, stage.started or told.run.queued)
        state = {
            "jupyter_pipe.state": stage.state.value,
            "jupyter_pipe.reason": stage.reason,
        }
        if stage.failure is not None:
            state["jupyter_pipe.failure"] = (
                f"{stage.failure.ename}: {stage.failure.evalue}"
            )
        self._log(mine, {}, list(_metrics(told, stage.name)), state)
        if told.run.is_final:
            executed = told.folder.executed(stage.name)
            if executed.is_file():
                self._client.log_artifact(mine, str(executed))
            self._terminate(
                mine, stage.state.value, stage.finished or told.run.finished
            )

    def _find_or_make(
        self, experiment: str, tags: dict[str, str], started: float
    ) -> str:
        """The run with these tags. Tags come with a run, so that one that was made is
        always found."""
        asked = " and ".join(
            f"tags.`{name}` = '{value}'"
            for name, value in tags.items()
            if name.startswith("jupyter_pipe.")
        )
        found = self._client.search_runs([experiment], asked, max_results=1)
        if found:
            info = found[0].info
            keep_here(self._address, "runs", str(info.run_id), info.artifact_uri)
            return str(info.run_id)
        made = self._client.create_run(
            experiment,
            start_time=_milliseconds(started),
            tags=tags,
            run_name=tags["mlflow.runName"],
        )
        return str(made.info.run_id)

    def _end(self, mine: str, told: Told) -> None:
        """What a run has only when it has ended: data, report, its graph."""
        self._inputs(mine, told)
        for path in (told.folder.report, told.folder.pipeline):
            if path.is_file():
                self._client.log_artifact(mine, str(path))
        self._terminate(mine, told.run.state.value, told.run.finished)

    def _inputs(self, mine: str, told: Told) -> None:
        """Files that were read, by their digests; what values looked like, as
        profiles."""
        from mlflow.entities import Dataset, DatasetInput

        datasets = [
            Dataset(
                # MLflow's columns take 500 characters and a digest of 36. The end of a
                # path tells more than its beginning.
                name=file.path[-500:],
                digest=file.digest[:36],
                source_type="local",
                source=file.path,
            )
            for file in told.files
            if file.digest
        ]
        for each in told.profiles:
            text = msgspec.json.encode(each.profile).decode()
            stored = [
                a.artifact
                for s in told.run.stages
                for a in s.artifacts
                if each.name in a.names
            ]
            datasets.append(
                Dataset(
                    name=f"{each.stage}.{each.name}",
                    digest=(stored[0] if stored else told.run.run_id)[-36:],
                    source_type="jupyter_pipe",
                    source=json.dumps(
                        {"run": told.run.run_id, "stage": each.stage, "name": each.name}
                    ),
                    profile=text[: 1 << 20],
                )
            )
        if datasets:
            self._client.log_inputs(
                mine,
                datasets=[DatasetInput(dataset=each, tags=[]) for each in datasets],
            )

    def _log(
        self,
        mine: str,
        parameters: dict[str, str],
        metrics: list[Any],
        tags: dict[str, str],
    ) -> None:
        from mlflow.entities import Param, RunTag

        self._client.log_batch(
            mine,
            metrics=metrics,
            params=[
                Param(name, value[:_LONGEST_VALUE])
                for name, value in parameters.items()
            ],
            tags=[
                RunTag(name, value[:_LONGEST_VALUE])
                for name, value in tags.items()
                if value
            ],
        )

    def _terminate(self, mine: str, state: str, finished: float | None) -> None:
        ended = _milliseconds(finished) if finished is not None else None
        self._client.set_terminated(mine, _STATUS.get(state, "FAILED"), end_time=ended)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _parameters(run: Run) -> dict[str, str]:
    return {each.name: str(each.value) for each in run.facts.parameters}


def _metrics(told: Told, stage: str = "") -> Iterator[Any]:
    """Numbers, each value that was logged: a value has the same time and step whenever
    it is told, so that telling it again changes nothing. Of a stage that was reused
    there are no events, but its values."""
    from mlflow.entities import Metric

    steps: dict[tuple[str, str], int] = {}
    for event in told.metrics:
        step = steps[event.stage, event.name] = (
            steps.get((event.stage, event.name), -1) + 1
        )
        if stage in {"", event.stage} and _is_number(event.value):
            yield Metric(
                event.name, float(event.value), _milliseconds(event.time), step
            )
    for each in told.run.stages:
        for name, value in each.metrics.items():
            if (
                (each.name, name) not in steps
                and stage in {"", each.name}
                and _is_number(value)
            ):
                yield Metric(
                    name,
                    float(value),
                    _milliseconds(each.finished or told.run.queued),
                    0,
                )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _origin(told: Told) -> dict[str, str]:
    """Where code and values came from."""
    facts, git = told.run.facts, told.run.facts.provenance.get("git", {})
    return {
        "mlflow.source.name": Path(facts.notebook).name,
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.source.git.commit": str(git.get("commit") or ""),
        "mlflow.source.git.branch": str(git.get("branch") or ""),
        "jupyter_pipe.git.dirty": str(git["dirty"]).lower() if "dirty" in git else "",
        "jupyter_pipe.notebook_digest": str(
            facts.provenance.get("notebook_digest", "")
        ),
        "jupyter_pipe.trigger": told.run.trigger,
        "jupyter_pipe.study": told.trial.study.name if told.trial else "",
    }


def _study_tags(trial: ToldTrial) -> dict[str, str]:
    """What is swept, how many trials there were, and the best of them."""
    study = trial.study
    found = {
        "jupyter_pipe.metric": f"{study.direction} {study.metric}",
        "jupyter_pipe.sampler": study.sampler,
        "jupyter_pipe.trials": str(len(trial.trials)),
    }
    found |= {f"space.{each.name}": dimension_text(each) for each in study.space}
    best = best_trial(study, trial.trials)
    if best is not None:
        found |= {
            "best.trial": str(best.number),
            "best.run": best.run_id,
            f"best.{study.metric}": str(best.value),
        }
        found |= {f"best.{name}": str(value) for name, value in best.values.items()}
    return found


def _outcomes(run: Run) -> dict[str, str]:
    """How the run went, its gates, and metrics that are no numbers."""
    found = {"jupyter_pipe.state": run.state.value}
    gates = [gate for stage in run.stages for gate in stage.gates]
    for number, gate in enumerate(gates, 1):
        found[f"gate.{number}"] = (
            f"{'passed' if gate.passed else 'false'}: {gate_text(gate)}"
        )
    for name, value in run.metrics.items():
        if not _is_number(value):
            found[f"metric.{name}"] = str(value)
    if run.state is RunState.failed:
        failed = [stage.name for stage in run.stages if stage.failure is not None]
        found["jupyter_pipe.failed_in"] = ", ".join(failed)
    return found
