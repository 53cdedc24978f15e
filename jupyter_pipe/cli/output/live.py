"""A run as it goes, as a table that stays in place. For terminals; needs `rich`.

Rows that do not fit the window give way: what failed or runs is shown first, the rest
is counted.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import Event, RunFinished, StageStarted, StageState
from jupyter_pipe.render.terminal_text import one_line, safe_for_terminal
from jupyter_pipe.render.words import seconds_text
from jupyter_pipe.runs.fold import RunFold
from jupyter_pipe.runs.model import Run, StageRun
from jupyter_pipe.runs.report.words import stage_mark, stage_note

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

__all__ = ["LiveTable", "table"]

STYLES = {
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "busy": "blue",
    "quiet": "dim",
}
# Often enough for seconds to look even, seldom enough for slow connections.
REFRESHES_PER_SECOND = 8
# Columns: below, the word for the state gives way to the note.
NARROW = 56
# What people look for first.
ORDER = (StageState.failed, StageState.running, StageState.queued)


class LiveTable:
    """An observer that shows the table from the first stage that starts to the end of
    the run."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._fold = RunFold()
        self._live: Live | None = None
        # Events come from the run's thread, refreshes from that of rich.
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Take the event into account; what is seen follows at the next refresh."""
        with self._lock:
            self._fold.add(event)
        if isinstance(event, StageStarted) and self._live is None:
            self._start()
        elif isinstance(event, RunFinished):
            self.close()

    def close(self) -> None:
        """Take the table away: the summary is printed in its place."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _start(self) -> None:
        from rich.console import Console
        from rich.live import Live

        console = Console(
            file=self._terminal.out,
            force_terminal=True,
            no_color=not self._terminal.colour,
        )
        self._live = Live(
            console=console,
            get_renderable=lambda: self._render(console.width, console.height),
            refresh_per_second=REFRESHES_PER_SECOND,
            # The table goes when the run ends, and the summary takes its place.
            transient=True,
        )
        self._live.start()

    def _render(self, width: int, height: int) -> Table:
        with self._lock:
            run = self._fold.run
        return table(run, width=width, height=height, now=time.time())


def table(run: Run, *, width: int, height: int, now: float) -> Table:
    """The heading and as many stages as fit."""
    from rich.table import Table
    from rich.text import Text

    whole = Table.grid()
    whole.add_column(no_wrap=True, overflow="ellipsis")
    whole.add_row(_heading(run, now))
    rows = Table.grid(padding=(0, 1), expand=True)
    rows.add_column(width=1)
    rows.add_column(no_wrap=True, overflow="ellipsis", max_width=max(12, width // 3))
    if width >= NARROW:
        rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    rows.add_column(no_wrap=True, justify="right")
    # Rows for the heading, the count of the rest and the cursor.
    shown = _fitting(run.stages, height - 3)
    for stage in shown:
        rows.add_row(*_row(stage, now, narrow=width < NARROW))
    whole.add_row(rows)
    if len(shown) < len(run.stages):
        whole.add_row(Text(f"  and {_counts(run.stages, shown)}", style="dim"))
    return whole


def _heading(run: Run, now: float) -> Text:
    from rich.text import Text

    done = sum(
        stage.state not in {StageState.queued, StageState.running}
        for stage in run.stages
    )
    passed = seconds_text(max(0.0, now - (run.started or run.queued)))
    heading = Text(_shown(run.pipeline), style="bold")
    return heading.append(
        f"  {done} of {len(run.stages)} stages  {passed}", style="not bold"
    )


def _shown(text: str) -> str:
    return safe_for_terminal(one_line(text), colour=False)


def _fitting(stages: tuple[StageRun, ...], rows: int) -> list[StageRun]:
    """All stages in order, or those that matter most now."""
    if len(stages) <= max(rows, 3):
        return list(stages)
    ranks = {state: rank for rank, state in enumerate(ORDER)}
    ranked = sorted(stages, key=lambda stage: ranks.get(stage.state, len(ORDER)))
    kept = {stage.name for stage in ranked[: max(rows - 1, 3)]}
    return [stage for stage in stages if stage.name in kept]


def _counts(stages: tuple[StageRun, ...], shown: list[StageRun]) -> str:
    names = {stage.name for stage in shown}
    counts = Counter(
        stage_mark(stage).word for stage in stages if stage.name not in names
    )
    return ", ".join(f"{number} {word}" for word, number in counts.items())


def _row(stage: StageRun, now: float, *, narrow: bool) -> list[Text]:
    """Mark, name, word, note, time; where it is narrow, the word only if there is no
    note."""
    from rich.text import Text

    mark = stage_mark(stage)
    style = STYLES[mark.tone]
    note = stage_note(stage)
    cells = [Text(mark.glyph, style=style), Text(_shown(stage.name))]
    if not narrow:
        cells.append(Text(mark.word, style=style))
    cells.append(Text(_shown(note) or (mark.word if narrow else ""), style="dim"))
    return [*cells, Text(_time(stage, now), style="dim")]


def _time(stage: StageRun, now: float) -> str:
    if stage.state is StageState.running and stage.started is not None:
        return seconds_text(max(0.0, now - stage.started))
    return seconds_text(stage.seconds) if stage.seconds else ""
