"""A run as it goes, in plain lines: one a transition, with its time. For CI, pipes and
`logs`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import Event
from jupyter_pipe.runs.report.event_lines import EventLines

__all__ = ["PlainLines", "progress_on"]


class PlainLines:
    """An observer that prints. `stage` restricts it to the events of one stage."""

    def __init__(self, terminal: Terminal, *, stage: str | None = None) -> None:
        self._terminal = terminal
        self._only = stage
        self._lines = EventLines(style=terminal.style, verbose=terminal.verbosity > 0)

    def __call__(self, event: Event) -> None:
        """Print the event's line, if it has one."""
        line = self._lines.line(event)
        if line and (
            # Events of the run as a whole have no stage.
            not self._only or getattr(event, "stage", None) in {None, self._only}
        ):
            self._terminal.say(line)


@contextlib.contextmanager
def progress_on(terminal: Terminal) -> Iterator[Callable[[Event], None]]:
    """An observer: a table that stays in place where there is a terminal, else
    lines."""
    # Details and a table that stays in place would overwrite each other.
    if not terminal.live or terminal.verbosity != 0:
        yield PlainLines(terminal)
        return
    from jupyter_pipe.cli.output.live import LiveTable

    table = LiveTable(terminal)
    try:
        yield table
    finally:
        table.close()
