"""How the loop is told to people: a line for each record, and what its settings watch.
Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.loop.deciding.state import State

__all__ = [
    "ending_words",
    "record_line",
    "trigger_words",
    "waiting_words",
    "watched_words",
]

_ENDINGS = {
    "green": "succeeded",
    "contract": "refused the data, nothing was trained",
    "gate": "failed at a gate",
    "failed": "failed",
    "waiting": "waits for you",
    "cancelled": "was cancelled",
    "interrupted": "was interrupted",
    "unstarted": "could not start",
}


def record_line(record: rc.Record) -> str:
    """One record as a line, further lines indented."""
    return _LINES[type(record)](record)


def trigger_words(triggers: tuple[rc.Trigger, ...]) -> str:
    """`files: week_05.csv is new; schedule: the schedule 0 6 * * MON`."""
    return "; ".join(
        one.text if one.kind == "first" else f"{one.kind}: {one.text}"
        for one in triggers
    )


def watched_words(settings: LoopSettings) -> Iterator[str]:
    """What can start a run, in phrases."""
    if settings.files is None:
        yield "the files that runs were seen to read"
    elif settings.files:
        yield f"files {', '.join(settings.files)}"
    if settings.schedule:
        zone = f" {settings.timezone}" if settings.timezone else ""
        yield f"schedule {settings.schedule}{zone}"
    for kind in ("commit", "drift", "quality"):
        if getattr(settings, kind):
            yield kind


def ending_words(outcome: str) -> str:
    """`refused the data, nothing was trained`."""
    return _ENDINGS.get(outcome, outcome)


def waiting_words(settings: LoopSettings, state: State) -> Iterator[str]:
    """What waits for a person, with the command that answers."""
    if state.ended is not None and state.ended.outcome == "waiting":
        yield f"run {state.ended.run_id} waits for you: jupyter pipe show {state.ended.run_id}"
    found = state.candidate
    if found is not None and found.asked and found.version is not None:
        yield (
            f"version {found.version} waits for you ({found.reason}): "
            f"jupyter pipe promote {settings.model}@{found.version}"
        )


def _decided(record: rc.RunDecided) -> str:
    again = f", attempt {record.attempt}" if record.attempt > 1 else ""
    return f"run {record.run_id} starts{again}  {trigger_words(record.triggers)}"


def _ended(record: rc.RunEnded) -> str:
    problems = "".join(f"\n  {line}" for line in record.problems)
    return f"run {record.run_id} {ending_words(record.outcome)}{problems}"


def _compared(record: rc.Compared) -> str:
    against = (
        f"against version {record.champion}"
        if record.champion
        else "without a champion to beat"
    )
    return f"version {record.version} {against}: {record.verdict}, {record.reason}"


def _notified(record: rc.Notified) -> str:
    if record.problem:
        return f"notice not delivered: {record.problem}"
    return (
        f"notice sent to {record.receivers}"
        if record.receivers
        else "notice kept here, nobody is to be told"
    )


_LINES: dict[type, Callable[[Any], str]] = {
    rc.Began: lambda record: "the loop begins",
    rc.ClockSetBack: lambda record: (
        "the clock was set back: the schedule counts from now"
    ),
    rc.RunDecided: _decided,
    rc.RunEnded: _ended,
    rc.Held: lambda record: (
        f"nothing starts: {record.reason}  {trigger_words(record.triggers)}"
    ),
    rc.Registered: lambda record: f"run {record.run_id} is version {record.version}",
    rc.Unregistered: lambda record: (
        f"run {record.run_id} was not registered: {record.reason}"
    ),
    rc.Compared: _compared,
    rc.AskDecided: lambda record: f"version {record.version} waits for you",
    rc.PromoteDecided: lambda record: f"version {record.version} is to be champion",
    rc.Promoted: lambda record: f"version {record.version} is champion",
    rc.PromoteRefused: lambda record: (
        f"version {record.version} not promoted: {record.reason}"
    ),
    rc.Answered: lambda record: (
        f"version {record.version} was {'promoted' if record.promoted else 'rejected'}"
    ),
    rc.Notified: _notified,
}
