"""What an engine's sighting adds to a run, as events. Pure.

Stages log for themselves what they do. Only the engine knows why a stage waits, that
one was ended from outside before it could say so, and that nothing more will come. A
log may arrive after the engine's word, so a stage that the engine calls ended is
believed to be silent only when `overdue`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from jupyter_pipe.events import (
    Event,
    FailureKind,
    RunFinished,
    RunState,
    StageCancelled,
    StageFailed,
    StageQueued,
    StageSkipped,
    StageState,
)
from jupyter_pipe.runs.model import Run, StageRun
from jupyter_pipe.runs.shared.gathering import ending_of
from jupyter_pipe.submit import Sighting, StageSeen

__all__ = ["news_of", "unsaid"]


def unsaid(run: Run, sighting: Sighting) -> frozenset[str]:
    """Stages that have ended for the engine and not in the run's log."""
    return frozenset(
        stage.name for stage in run.stages if _is_unsaid(stage, _seen(stage, sighting))
    )


def news_of(
    run: Run, sighting: Sighting, overdue: Collection[str], title: str, now: float
) -> list[Event]:
    """The events to append. `overdue` are the stages of `unsaid` that have been so for
    some time; `title` is the engine's name, `now` is in UTC seconds."""
    news: list[Event] = []
    for stage in run.stages:
        seen = _seen(stage, sighting)
        if seen is not None:
            news += _of_stage(stage, seen, title, is_overdue=stage.name in overdue)
    if (
        not news
        and sighting.is_over
        and not _tells_how_it_ends(run)
        and not unsaid(run, sighting)
    ):
        news += _ending(run, sighting, title, now)
    return news


def _tells_how_it_ends(run: Run) -> bool:
    """Whether the end of the run is written down, or follows from what its stages say,
    or will."""
    is_running = any(stage.state is StageState.running for stage in run.stages)
    return run.is_final or is_running or ending_of(run, 0.0) is not None


def _seen(stage: StageRun, sighting: Sighting) -> StageSeen | None:
    """The stage in the engine, as far as that can be told."""
    if stage.name in sighting.stages:
        return sighting.stages[stage.name]
    if sighting.state == "waiting" and not stage.after:
        # The engine has not begun the run, and knows of no stages yet.
        return StageSeen("waiting", sighting.note)
    if sighting.is_over and stage.state is StageState.running:
        # It has forgotten the stage: the run was deleted there, for example.
        return StageSeen(
            "cancelled" if sighting.state == "cancelled" else "failed", sighting.note
        )
    return None


def _is_unsaid(stage: StageRun, seen: StageSeen | None) -> bool:
    if seen is None or seen.state in {"waiting", "running"}:
        return False
    # One that was cancelled before it began has nothing to say: it is skipped when the
    # run ends.
    return stage.state is StageState.running or (
        stage.state is StageState.queued and seen.state != "cancelled"
    )


def _of_stage(
    stage: StageRun, seen: StageSeen, title: str, *, is_overdue: bool
) -> Iterator[Event]:
    """What the engine knows of a stage that its own log does not say."""
    is_queued = stage.state is StageState.queued
    # "running" as well: an engine's worker may need a while before the stage itself
    # begins.
    if is_queued and seen.state in {"waiting", "running"}:
        reason = f"{title}: {seen.note}" if seen.note else ""
        if reason and reason != stage.reason:
            yield StageQueued(
                stage.name, reason=reason, after=stage.after, cells=stage.cells_total
            )
    if not is_overdue:
        return
    if seen.state == "cancelled":
        yield StageCancelled(stage.name)
        return
    said = f" ({seen.note})" if seen.note else ""
    yield StageFailed(
        stage=stage.name,
        ename=title,
        evalue=f"the stage ended there without a word of its own{said}",
        kind=FailureKind.worker_lost,
        hint="The engine's own log has the reason.",
        attempt=max(stage.attempts, 1),
    )


def _ending(run: Run, sighting: Sighting, title: str, now: float) -> Iterator[Event]:
    """The end of a run whose stages do not tell how it ended: none of them failed."""
    reason = f"{title}: {sighting.note or sighting.state}"
    for stage in run.stages:
        if stage.state is StageState.queued:
            yield StageSkipped(stage.name, reason=reason)
    is_cancelled = sighting.state == "cancelled"
    yield RunFinished(
        state=RunState.cancelled if is_cancelled else RunState.failed,
        exit_code=130 if is_cancelled else 1,
        seconds=max(now - (run.started or now), 0.0),
    )
