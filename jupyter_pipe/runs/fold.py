"""Turns the events of a run into the `Run` that they describe. Pure; does no I/O.

`fold(events)` reads all at once; `RunFold` takes them one by one, for whoever watches a
run. Events of stages that the run did not announce are accepted: a log may be newer
than the reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from jupyter_pipe.events import (
    ApprovalChecked,
    ArtifactWritten,
    CellFinished,
    CellStarted,
    ContractJudged,
    EngineSeen,
    Event,
    GateEvaluated,
    InputChanged,
    MetricLogged,
    RunCancelRequested,
    RunFinished,
    RunQueued,
    RunStarted,
    RunState,
    StageCached,
    StageCancelled,
    StageFailed,
    StageFinished,
    StageQueued,
    StageRetrying,
    StageSkipped,
    StageStarted,
    StageState,
    WarningRaised,
)
from jupyter_pipe.runs.model import Failure, Run, RunFacts, StageRun

__all__ = ["RunFold", "fold"]


def fold(events: Iterable[Event], facts: RunFacts | None = None) -> Run:
    """The run after `events`, which are in order and complete from the first."""
    folded = RunFold(facts)
    for event in events:
        folded.add(event)
    return folded.run


class RunFold:
    """A run that grows event by event. One change costs the same however many stages
    there are."""

    def __init__(self, facts: RunFacts | None = None) -> None:
        self._run = Run(facts=facts or RunFacts())
        self._stages: dict[str, StageRun] = {}

    @property
    def run(self) -> Run:
        """The run as the events so far describe it."""
        return replace(self._run, stages=tuple(self._stages.values()))

    def add(self, event: Event) -> None:
        """Take the next event into account."""
        stage_change = _STAGE_CHANGES.get(type(event))
        if stage_change is not None:
            name = getattr(event, "stage", "")
            before = self._stages.get(name, StageRun(name))
            if self._run.engine and isinstance(event, StageStarted):
                # Why it waited in the engine says nothing of what it does now.
                before = replace(before, reason="")
            self._stages[name] = stage_change(before, event)
        else:
            self._add_run_event(event)
        self._run = replace(self._run, seq=event.seq)

    def _add_run_event(self, event: Event) -> None:
        """The run after an event that concerns it as a whole. Raises TypeError for an
        unknown kind."""
        run = self._run
        match event:
            case RunQueued():
                self._stages = {name: StageRun(name) for name in event.stages}
                self._run = replace(
                    run,
                    run_id=event.run_id,
                    pipeline=event.pipeline,
                    trigger=event.trigger,
                    resumed_from=event.resumed_from,
                    queued=event.time,
                )
            case RunStarted():
                # A shared run goes on when its engine tries a stage again.
                began = run.started or event.time
                self._run = replace(
                    run,
                    state=RunState.running,
                    started=began,
                    finished=None,
                    exit_code=None,
                )
            case RunCancelRequested():
                self._run = replace(run, cancelled_by=event.by)
            case WarningRaised():
                self._run = replace(run, warnings=(*run.warnings, event))
            case EngineSeen():
                self._run = replace(
                    run,
                    engine=event.engine,
                    page=event.page or run.page,
                    silent_since=event.silent_since,
                )
            case RunFinished():
                self._finish(event)
            case _:
                raise TypeError(f"no rule for the event {event!r}")

    def _finish(self, event: RunFinished) -> None:
        self._run = replace(
            self._run,
            state=event.state,
            exit_code=event.exit_code,
            seconds=event.seconds,
            finished=event.time,
        )
        if event.state is RunState.interrupted:
            for stage in self._stages.values():
                self._stages[stage.name] = _interrupted(stage, event)


def _interrupted(stage: StageRun, event: RunFinished) -> StageRun:
    if stage.state is StageState.running:
        return replace(
            stage, state=StageState.interrupted, cell_id=None, finished=event.time
        )
    if stage.state is StageState.queued:
        return replace(
            stage, state=StageState.skipped, reason="the run was interrupted"
        )
    return stage


def _queued(stage: StageRun, event: StageQueued) -> StageRun:
    return StageRun(
        stage.name,
        reason=event.reason or stage.reason,
        after=event.after or stage.after,
        # What it had computed is void; how often it was tried is not.
        attempts=stage.attempts,
        cells_total=event.cells or stage.cells_total,
    )


def _started(stage: StageRun, event: StageStarted) -> StageRun:
    # A shared run goes on with stages that were skipped when it seemed to have ended.
    reason = "" if stage.state is StageState.skipped else stage.reason
    return replace(
        stage,
        state=StageState.running,
        reason=reason,
        attempts=event.attempt,
        cells_done=0,
        started=event.time,
        finished=None,
        failure=None,
        contacts=(),
        metrics={},
        gates=(),
        contracts=(),
        approval=None,
        artifacts=(),
    )


def _cell_started(stage: StageRun, event: CellStarted) -> StageRun:
    return replace(
        stage,
        cell_id=event.cell_id,
        cells_done=event.position - 1,
        cells_total=event.total,
    )


def _cell_finished(stage: StageRun, event: CellFinished) -> StageRun:
    return replace(
        stage, cell_id=None, cells_done=event.position, cells_total=event.total
    )


def _finished(stage: StageRun, event: StageFinished) -> StageRun:
    return _ended(
        stage,
        event,
        StageState.succeeded,
        seconds=event.seconds,
        contacts=event.contacts,
    )


def _cached(stage: StageRun, event: StageCached) -> StageRun:
    return _ended(
        stage,
        event,
        StageState.cached,
        reason=event.reason,
        cached_from=event.run_id,
        saved_seconds=event.saved_seconds,
        contacts=event.contacts,
    )


def _failed(stage: StageRun, event: StageFailed) -> StageRun:
    failure = Failure(
        # Event and record have these fields in common.
        **{name: getattr(event, name) for name in Failure.__struct_fields__}
    )
    return _ended(
        stage, event, StageState.failed, failure=failure, seconds=event.seconds
    )


def _skipped(stage: StageRun, event: StageSkipped) -> StageRun:
    return _ended(stage, event, StageState.skipped, reason=event.reason)


def _cancelled(stage: StageRun, event: StageCancelled) -> StageRun:
    """One that had not begun was not cancelled: it is skipped, as it is behind a
    failure."""
    if stage.started is None and not stage.attempts:
        return _ended(stage, event, StageState.skipped, reason="run cancelled")
    return _ended(stage, event, StageState.cancelled, seconds=event.seconds)


def _retrying(stage: StageRun, event: StageRetrying) -> StageRun:
    return replace(stage, state=StageState.queued, cell_id=None, reason=event.reason)


def _ended(
    stage: StageRun, event: Event, state: StageState, **changes: Any
) -> StageRun:
    return replace(stage, state=state, cell_id=None, finished=event.time, **changes)


def _metric(stage: StageRun, event: MetricLogged) -> StageRun:
    return replace(stage, metrics={**stage.metrics, event.name: event.value})


def _gate(stage: StageRun, event: GateEvaluated) -> StageRun:
    return replace(stage, gates=(*stage.gates, event))


def _contract(stage: StageRun, event: ContractJudged) -> StageRun:
    return replace(stage, contracts=(*stage.contracts, event))


def _approval(stage: StageRun, event: ApprovalChecked) -> StageRun:
    return replace(stage, approval=event)


def _artifact(stage: StageRun, event: ArtifactWritten) -> StageRun:
    return replace(stage, artifacts=(*stage.artifacts, event))


def _changed(stage: StageRun, event: InputChanged) -> StageRun:
    return replace(stage, changed=(*stage.changed, event))


_STAGE_CHANGES: dict[type, Callable[[StageRun, Any], StageRun]] = {
    StageQueued: _queued,
    StageStarted: _started,
    CellStarted: _cell_started,
    CellFinished: _cell_finished,
    StageFinished: _finished,
    StageCached: _cached,
    StageFailed: _failed,
    StageSkipped: _skipped,
    StageCancelled: _cancelled,
    StageRetrying: _retrying,
    MetricLogged: _metric,
    GateEvaluated: _gate,
    ContractJudged: _contract,
    ApprovalChecked: _approval,
    ArtifactWritten: _artifact,
    InputChanged: _changed,
}
