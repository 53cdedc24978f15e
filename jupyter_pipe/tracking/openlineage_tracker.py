"""Tells about runs as events of OpenLineage, into a file or to a server.

A run is a job with the pipeline's name, a stage one of its children, and the run of a
trial a child of its study. Each transition is one event whose run
and time are the same whenever it is told: a receiver knows it again, and so does the
file. Raises OSError, and ExtraMissingError where the client library is missing.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jupyter_pipe import __version__
from jupyter_pipe.errors import ExtraMissingError, TrackingError
from jupyter_pipe.runs.data.observations import observed_by
from jupyter_pipe.runs.model import StageRun
from jupyter_pipe.tracking.told import Told
from jupyter_pipe.trust.records import read_regular_file

__all__ = ["OpenLineageTracker", "lineage_events"]

PRODUCER = f"urn:jupyter_pipe:{__version__}"
# Drawn once. Ids that follow from names are the same each time an event is told.
_NAMESPACE = uuid.UUID("8f0e7d1c-53f8-4b8c-9b5a-6a0c3f3f2d11")
_TIMEOUT_SECONDS = 30.0
_LATE = {"succeeded": "COMPLETE", "cached": "COMPLETE", "failed": "FAIL"}


class OpenLineageTracker:
    """`target` is `file:///…` or the URL of a server, without or with the path that
    takes events."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        if parts.scheme not in {"file", "http", "https"}:
            raise TrackingError(
                f"'{target}' is neither a file nor a server.",
                code="track_address",
                hint="For example: openlineage+file:///tmp/runs.jsonl, openlineage+http://localhost:5000",
            )
        self._file = Path(unquote(parts.path)) if parts.scheme == "file" else None
        has_path = parts.path.strip("/")
        self._url = target if has_path else f"{target.rstrip('/')}/api/v1/lineage"
        self._sent: set[str] = set()

    def tell(self, told: Told) -> None:
        """Send the events that have not been sent."""
        events = [
            event for event in lineage_events(told) if _key(event) not in self._sent
        ]
        if self._file is not None:
            self._append(self._file, events)
        else:
            for event in events:
                self._post(event)
                # At once: if the next one fails, this one is not sent again.
                self._sent.add(_key(event))
        self._sent |= {_key(event) for event in events}

    def _append(self, file: Path, events: list[dict[str, Any]]) -> None:
        """Under a lock: of several runs at once, each looks and appends before the next
        does."""
        from jupyter_pipe.tracking.mlflow_client import locked

        file.parent.mkdir(parents=True, exist_ok=True)
        with locked(file.parent, file.name):
            data = read_regular_file(file) if file.exists() else b""
            whole = data[
                : data.rfind(b"\n") + 1
            ]  # A writer that was killed leaves half a line.
            known = set(_known_keys(whole))
            fresh = [event for event in events if _key(event) not in known]
            with file.open("r+b" if file.exists() else "wb") as out:
                out.truncate(len(whole))
                out.seek(len(whole))
                out.write(
                    b"".join(json.dumps(event).encode() + b"\n" for event in fresh)
                )

    def _post(self, event: dict[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self._url,
            data=json.dumps(event).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
            return


def _known_keys(lines: bytes) -> Iterator[str]:
    """Of the events in a file. What others wrote there, or a bad disk, is no event of
    ours."""
    for line in lines.split(b"\n"):
        with contextlib.suppress(ValueError, RecursionError, LookupError, TypeError):
            yield _key(json.loads(line))


def _key(event: dict[str, Any]) -> str:
    return f"{event['run']['runId']} {event['eventType']}"


def lineage_events(told: Told) -> Iterator[dict[str, Any]]:
    """The events of a run so far: its start, the start and end of each stage, its
    end."""
    run = told.run
    name, job = run.pipeline, _uuid(run.run_id)
    above = _study_of(told)
    if run.started is not None:
        yield _event("START", run.started, job, name, parent=above)
    for stage in run.stages:
        yield from _stage_events(told, stage, job)
    if run.is_final:
        ended = run.finished if run.finished is not None else told.events[-1].time
        yield _event(
            _LATE.get(run.state.value, "ABORT"), ended, job, name, parent=above
        )


def _study_of(told: Told) -> tuple[str, str] | None:
    """The run and the job that stand for the study of a trial."""
    if told.trial is None:
        return None
    study = told.trial.study
    return _uuid(study.identity), f"{told.run.pipeline}.{study.name}"


def _stage_events(told: Told, stage: StageRun, parent: str) -> Iterator[dict[str, Any]]:
    """The start of a stage and, once the run has ended, its end. A stage may run again
    within a run, so only then does it end for good."""
    run = told.run
    mine, name = _uuid(f"{run.run_id}/{stage.name}"), f"{run.pipeline}.{stage.name}"
    finished = stage.finished if stage.finished is not None else run.finished
    started = stage.started if stage.started is not None else finished
    if started is None or stage.state.value == "skipped":
        return
    above = (parent, run.pipeline)
    yield _event("START", started, mine, name, parent=above)
    if run.is_final and finished is not None:
        inputs, outputs = _files(told, stage.name)
        state = _LATE.get(stage.state.value, "ABORT")
        yield _event(
            state, finished, mine, name, parent=above, inputs=inputs, outputs=outputs
        )


def _files(told: Told, stage: str) -> tuple[list[str], list[str]]:
    """The files that a stage read and wrote. What was missing is neither."""
    observed = observed_by(told.folder, stage)
    read = [each for each in observed.read if each.aspect == "content"]
    inputs = [each.path for each in read if each.digest != "missing"]
    return inputs, [each.path for each in observed.written if each.digest != "missing"]


def _event(
    kind: str,
    seconds: float,
    run_id: str,
    job: str,
    *,
    parent: tuple[str, str] | None = None,
    inputs: list[str] | None = None,
    outputs: list[str] | None = None,
) -> dict[str, Any]:
    """One event, made by the client library, which checks it against the
    specification's types."""
    try:
        from openlineage.client import event_v2, facet_v2
        from openlineage.client.serde import Serde
    except ImportError as error:
        raise ExtraMissingError("OpenLineage", "ml") from error
    facets = {}
    if parent is not None:
        above = facet_v2.parent_run
        facets["parent"] = above.ParentRunFacet(
            run=above.Run(runId=parent[0]),
            job=above.Job(namespace=NAMESPACE, name=parent[1]),
            producer=PRODUCER,
        )
    made = event_v2.RunEvent(
        eventType=event_v2.RunState[kind],
        eventTime=datetime.datetime.fromtimestamp(
            seconds, datetime.timezone.utc
        ).isoformat(),
        run=event_v2.Run(runId=run_id, facets=facets),
        job=event_v2.Job(namespace=NAMESPACE, name=job),
        producer=PRODUCER,
        inputs=[
            event_v2.InputDataset(namespace="file", name=path) for path in inputs or ()
        ],
        outputs=[
            event_v2.OutputDataset(namespace="file", name=path)
            for path in outputs or ()
        ],
    )
    found: dict[str, Any] = Serde.to_dict(made)
    return found


NAMESPACE = "jupyter_pipe"


def _uuid(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))
