"""Writing down a run that goes on: its events, and the summary that follows them.

`run.json` is signed and replaced atomically, at most twice a second while events
stream, and on `flush`. Raises OSError as the disk does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.model import to_json
from jupyter_pipe.runs.processes import Heart
from jupyter_pipe.trust.signatures import sign

if TYPE_CHECKING:
    from jupyter_pipe.events import Event
    from jupyter_pipe.runs.fold import RunFold
    from jupyter_pipe.runs.log import EventLog
    from jupyter_pipe.runs.model import Run

__all__ = ["RunWriter"]

# A stage of many short cells logs hundreds of events a second.
_SECONDS_BETWEEN_SUMMARIES = 0.5


class RunWriter:
    """The one writer of a run. The summary of a run that others signed is written
    without a signature: ours would vouch for what they say."""

    def __init__(
        self,
        log: EventLog,
        summary: Path,
        folded: RunFold,
        *,
        signed: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._summary = summary
        self._folded = folded
        self._signed = signed
        self._monotonic = monotonic
        self._written = float("-inf")
        self._stale = True
        self._heart: Heart | None = None

    @property
    def run_id(self) -> str:
        return self._summary.parent.name

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._summary.parent

    @property
    def run(self) -> Run:
        return self._folded.run

    def append(self, event: Event) -> Event:
        """Log an event and return it as logged, with its number and time."""
        logged = self._log.append(event)
        self._folded.add(logged)
        self._stale = True
        if self._monotonic() - self._written >= _SECONDS_BETWEEN_SUMMARIES:
            self.flush()
        return logged

    def flush(self) -> None:
        """Bring `run.json` up to date."""
        if self._stale:
            document = to_json(self.run)
            replace_file(
                self._summary,
                sign("run", self.run_id, document) if self._signed else document,
            )
            self._written = self._monotonic()
            self._stale = False

    def start_beating(self) -> None:
        """From now on show those who cannot see the process that it lives."""
        self._heart = Heart(self._summary)

    def close(self) -> None:
        """Raises OSError, but holds nothing any more in any case."""
        if self._heart is not None:
            self._heart.stop()
        try:
            # If another host has taken the run over, its summary stands.
            if self._log.is_ours:
                self.flush()
        finally:
            self._log.close()
