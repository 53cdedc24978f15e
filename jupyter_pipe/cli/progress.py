"""A run as it goes, in plain lines: one a transition, with its time. For CI, pipes and `logs`."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator

from jupyter_pipe.cli.terminal import Terminal
from jupyter_pipe.events import (
    CellStarted,
    Event,
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
from jupyter_pipe.render.words import count, seconds_text, value_text

__all__ = ["PlainLines", "progress_on"]


class PlainLines:
    """An observer that prints. `stage` restricts it to the events of one stage."""

    def __init__(self, terminal: Terminal, *, stage: str | None = None) -> None:
        self._terminal = terminal
        self._only = stage
        self._width = 8

    def __call__(self, event: Event) -> None:
        """Print the event's line, if it has one."""
        if isinstance(event, RunQueued):
            self._width = max((len(name) for name in event.stages), default=8)
        name = getattr(event, "stage", None)
        if self._only and name not in {None, self._only}:
            return
        text = self._text(event)
        if text:
            clock = datetime.datetime.fromtimestamp(event.time).strftime("%H:%M:%S")
            label = "" if name is None else f"{name:<{self._width}}  "
            self._terminal.say(f"{self._terminal.style(clock, 'quiet')}  {label}{text}")

    def _text(self, event: Event) -> str:
        match event:
            case RunQueued():
                return f"{event.pipeline}, {count(len(event.stages), 'stage')}, run {event.run_id}"
            case StageStarted():
                return "started" if event.attempt == 1 else f"started, attempt {event.attempt}"
            case StageFinished():
                return f"{self._state('succeeded')}, {seconds_text(event.seconds)}"
            case StageCached():
                saved = f", saves {seconds_text(event.saved_seconds)}" if event.saved_seconds else ""
                return f"{self._state('cached')}: {event.reason}{saved}"
            case StageFailed():
                return f"{self._state('failed', event.kind)}: {_first_line(_failure(event))}"
            case StageSkipped():
                return f"{self._state('skipped')}: {event.reason}"
            case StageCancelled():
                return self._state("cancelled")
            case RunFinished():
                return ""
            case _:
                return self._remark(event)

    def _remark(self, event: Event) -> str:
        match event:
            case StageRetrying():
                return f"tries again in {seconds_text(event.delay_seconds)}: {_first_line(event.reason)}"
            case InputChanged():
                names = ", ".join(event.names)
                return f"changed {names} of {event.from_stage}; stages that used it run again"
            case WarningRaised():
                return f"{self._terminal.style('warning', 'warn')} {event.code}: {event.message}"
            case RunCancelRequested():
                return f"cancel requested by {event.by}"
            case GateEvaluated() if not event.passed:
                return f"gate failed: {event.expression}"
            case _:
                return self._aside(event) if self._terminal.verbosity > 0 else ""

    def _aside(self, event: Event) -> str:
        """What only `--verbose` shows."""
        match event:
            case CellStarted():
                return f"cell {event.position}/{event.total}"
            case MetricLogged():
                return f"metric {event.name} = {value_text(event.value)}"
            case GateEvaluated():
                return f"gate passed: {event.expression}"
            case _:
                return ""

    def _state(self, state: str, kind: str = "") -> str:
        mark = mark_of(state, kind)
        return self._terminal.style(mark.word, mark.tone)


def _failure(event: StageFailed) -> str:
    if event.kind == "gate":
        return event.evalue
    place = f" (cell {event.position}, line {event.line})" if event.position and event.line else ""
    return f"{event.ename}: {event.evalue}{place}" if event.evalue else f"{event.ename}{place}"


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else ""


@contextlib.contextmanager
def progress_on(terminal: Terminal) -> Iterator[Callable[[Event], None]]:
    """An observer: a table that stays in place where there is a terminal, else lines."""
    if not terminal.live or terminal.verbosity != 0:
        yield PlainLines(terminal)
        return
    from jupyter_pipe.cli.live import LiveTable

    table = LiveTable(terminal)
    try:
        yield table
    finally:
        table.close()
