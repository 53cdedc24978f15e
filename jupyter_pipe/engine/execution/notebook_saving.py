"""The executed notebook on disk: atomic, throttled, and true at every moment.

papermill's own class saves the whole notebook twice a cell, and calls cells completed
that never ran when a kernel dies; this one does neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from papermill.engines import NotebookExecutionManager

from jupyter_pipe.cache.replacing import replace_file

__all__ = ["ExecutedNotebook"]

_SECONDS_BETWEEN_SAVES = 1.0
_LARGEST_SHARE = 0.05


class ExecutedNotebook(NotebookExecutionManager):  # type: ignore[misc]  # papermill has no annotations
    """The notebook with what happened to its cells (`metadata.papermill`)."""

    def __init__(self, notebook: Any, output_path: str | None) -> None:
        super().__init__(notebook, output_path=output_path, progress_bar=False)
        notebook.metadata.setdefault("papermill", {})
        self._due = 0.0
        # The save that is to be made up for: a cell may print once and then say nothing
        # for an hour.
        self._made_up: asyncio.TimerHandle | None = None
        # Brings the outputs up to date before they are written.
        self.before_saving: Callable[[], None] = lambda: None

    def save(self, **_: Any) -> None:
        """Save: a little later if the last time was just now, or if saving takes too
        much of the time."""
        seconds = self._due - time.monotonic()
        if seconds <= 0:
            self.save_now()
        elif self._made_up is None and self.output_path is not None:
            with contextlib.suppress(
                RuntimeError
            ):  # outside of the loop there are no messages to miss
                self._made_up = asyncio.get_running_loop().call_later(
                    seconds, self.save_now
                )

    def save_now(self) -> None:
        """Save, and forget what was to be made up for."""
        if self._made_up is not None:
            self._made_up.cancel()
            self._made_up = None
        if self.output_path is None:
            return
        began = time.monotonic()
        self.before_saving()
        text = json.dumps(self.nb, ensure_ascii=False, indent=1)
        replace_file(
            Path(self.output_path), (text + "\n").encode("utf-8", "surrogatepass")
        )
        now = time.monotonic()
        self._due = now + max(_SECONDS_BETWEEN_SAVES, (now - began) / _LARGEST_SHARE)

    def cell_not_reached(self, cell: Any) -> None:
        """A cell that was to run with others, and then did not."""
        cell.metadata.papermill.update(
            start_time=None, status=self.PENDING, exception=None
        )

    def autosave_cell(self) -> None:
        """A message came from the kernel."""
        self.save()

    def notebook_complete(self, **_: Any) -> None:
        """All cells that will run have run; what is pending stays pending."""
        self.end_time = self.now()
        record = self.nb.metadata.papermill
        record["end_time"] = self.end_time.isoformat()
        record["duration"] = (self.end_time - self.start_time).total_seconds()
        self.save_now()
