"""Keeps the URL of a run's root up to date while the run goes on, from a thread of its own.

Files are published in the order in which they are named, so that what refers comes after what it refers
to. A result whose values could not be published is not published either. The first trouble is told, and
the run goes on: everything is here as well.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from jupyter_pipe.artifacts.protocol import ArtifactRef
from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs.remote import RemoteRoot, publish_values
from jupyter_pipe.runs.store import RunFolder, RunStore

__all__ = ["Mirror"]

_SECONDS_BETWEEN = 5.0


class Mirror:
    """The publisher of one run. `explain` is told what could not be published, from the thread."""

    def __init__(
        self, store: RunStore, folder: RunFolder, explain: Callable[[str], None], *, trust: bool = False
    ) -> None:
        self.remote = RemoteRoot(store.url, trust=trust)
        self._store = store
        self._folder = folder
        self._explain = explain
        self._explained = False
        self._followed = time.monotonic()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._publish, name="mirror", daemon=True)
        self._thread.start()
        self.files([folder.pipeline, folder.parameters, folder.events, folder.summary])

    def result(self, refs: Sequence[ArtifactRef], kept: Sequence[Path]) -> None:
        """A stage's result was kept: its values, then the files that say so."""
        self._work.put(lambda: self._publish_result(refs, kept))

    def files(self, paths: Iterable[Path]) -> None:
        """These files have changed, or are new."""
        chosen = tuple(paths)
        self._work.put(lambda: self._publish_files(chosen))

    def follow(self) -> None:
        """Called often: publishes the run's log and summary now and then, and looks whether someone
        elsewhere has asked the run to end."""
        now = time.monotonic()
        if now - self._followed >= _SECONDS_BETWEEN:
            self._followed = now
            self.files([self._folder.events, self._folder.summary])
            self._work.put(self._look_for_cancel)

    def settle(self) -> None:
        """Wait until what was named so far is published, or told of."""
        done = threading.Event()
        self._work.put(done.set)
        done.wait()

    def close(self) -> None:
        """Publish what the ended run leaves, and wait until all is published."""
        folder = self._folder
        learned = self._store.state_folder / "effects.json"
        self.files([learned, folder.report, folder.summary, folder.events])
        self._work.put(None)
        self._thread.join()

    def _publish(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except (PipeError, OSError) as error:
                if not self._explained:
                    self._explained = True
                    self._explain(f"Not all of the run is in {self.remote.url}: {error}")

    def _publish_result(self, refs: Sequence[ArtifactRef], kept: Sequence[Path]) -> None:
        publish_values(self.remote, self._store, refs)
        self._publish_files(kept)

    def _publish_files(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path.exists():
                self.remote.publish(path, path.relative_to(self._store.state_folder).as_posix())

    def _look_for_cancel(self) -> None:
        cancel = self._folder.cancel
        if not cancel.exists():
            self.remote.fetch(cancel.relative_to(self._store.state_folder).as_posix(), cancel)
