"""What is said of a run's events, a line each: on the terminal, and in the log that a
run leaves. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator

from jupyter_pipe.events import (
    DEMANDS,
    ApprovalChecked,
    CellStarted,
    ContractJudged,
    EngineSeen,
    Event,
    FailureKind,
    GateEvaluated,
    InputChanged,
    MetricLogged,
    RunCancelRequested,
    RunFinished,
    RunQueued,
    StageCached,
    StageCancelled,
    StageFailed,
    StageFinished,
    StageRetrying,
    StageSkipped,
    StageStarted,
    WarningRaised,
)
from jupyter_pipe.render.marks import mark_of
from jupyter_pipe.render.words import count, day_time, seconds_text, value_text

__all__ = ["EventLines", "log_lines"]

Style = Callable[[str, str], str]
_NARROW = 8


class EventLines:
    """Turns one event after the other into its line. `style` colours a text in a
    tone."""

    def __init__(
        self, *, style: Style = lambda text, tone: text, verbose: bool = False
    ) -> None:
        self._style = style
        self._verbose = verbose
        self._width = _NARROW

    def line(self, event: Event) -> str:
        """The event's line with its time of day, or nothing."""
        if isinstance(event, RunQueued):
            self._width = max((len(name) for name in event.stages), default=_NARROW)
        text = self._text(event)
        if not text:
            return ""
        name = getattr(event, "stage", None)
        label = "" if name is None else f"{name:<{self._width}}  "
        return f"{self._style(_clock(event), 'quiet')}  {label}{text}"

    def _text(self, event: Event) -> str:
        """The line for an event that begins or ends a run or a stage."""
        match event:
            case RunQueued():
                return f"{event.pipeline}, {count(len(event.stages), 'stage')}, run {event.run_id}"
            case StageStarted():
                return (
                    "started"
                    if event.attempt == 1
                    else f"started, attempt {event.attempt}"
                )
            case StageFinished():
                took = [seconds_text(event.seconds), *event.contacts]
                return ", ".join([self._state("succeeded"), *took])
            case StageCached():
                saved = (
                    f", saves {seconds_text(event.saved_seconds)}"
                    if event.saved_seconds
                    else ""
                )
                return f"{self._state('cached')}: {event.reason}{saved}"
            case StageFailed():
                return f"{self._state('failed', event.kind)}: {_first_line(_failure(event))}"
            case StageSkipped():
                return f"{self._state('skipped')}: {event.reason}"
            case StageCancelled():
                return self._state("cancelled")
            case _:
                return self._remark(event)

    def _remark(self, event: Event) -> str:
        """The line for retries, warnings, failed gates and other events on the way."""
        match event:
            case StageRetrying():
                return f"tries again in {seconds_text(event.delay_seconds)}: {_first_line(event.reason)}"
            case InputChanged():
                names = ", ".join(event.names)
                return f"changed {names} of {event.from_stage}; stages that used it run again"
            case WarningRaised():
                return f"{self._style('warning', 'warn')} {event.code}: {event.message}"
            case EngineSeen():
                return _engine_text(event)
            case RunCancelRequested():
                return f"cancel requested by {event.by}"
            case ApprovalChecked() if event.state == "approved":
                note = f": {event.note}" if event.note else ""
                return f"approved by {event.by} on {day_time(event.at)}{note}"
            case GateEvaluated() if not event.passed:
                return f"gate failed: {event.expression}"
            case _:
                return self._aside(event) if self._verbose else ""

    def _aside(self, event: Event) -> str:
        """What only a verbose telling has."""
        match event:
            case CellStarted():
                return f"cell {event.position}/{event.total}"
            case MetricLogged():
                return f"metric {event.name} = {value_text(event.value)}"
            case GateEvaluated():
                return f"gate passed: {event.expression}"
            case ContractJudged() if event.passed:
                return f"contract kept: {event.value}"
            case _:
                return ""

    def _state(self, state: str, kind: FailureKind | None = None) -> str:
        mark = mark_of(state, kind)
        return self._style(mark.word, mark.tone)


def log_lines(events: Iterable[Event]) -> Iterator[str]:
    """The log of a run, from its first event to its end."""
    lines = EventLines(verbose=True)
    for event in events:
        line = lines.line(event)
        if line:
            yield line
        elif isinstance(event, RunFinished):
            ended = f"{event.state.value}, {seconds_text(event.seconds)}"
            yield f"{_clock(event)}  {ended}, exit code {event.exit_code}"


def _engine_text(event: EngineSeen) -> str:
    if event.silent_since is not None:
        return f"{event.engine} is out of sight since {day_time(event.silent_since)}: {event.message}"
    return " ".join(["in", event.engine, event.page]).rstrip()


def _clock(event: Event) -> str:
    return datetime.datetime.fromtimestamp(event.time).strftime("%H:%M:%S")


def _failure(event: StageFailed) -> str:
    if event.kind in DEMANDS:
        return event.evalue
    place = (
        f" (cell {event.position}, line {event.line})"
        if event.position and event.line
        else ""
    )
    return (
        f"{event.ename}: {event.evalue}{place}"
        if event.evalue
        else f"{event.ename}{place}"
    )


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else ""
