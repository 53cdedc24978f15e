"""Keeps the URL of a run's root up to date while the run goes on, from a thread of its
own.

Files are published in the order in which they are named, so that what refers comes
after what it refers to. What cannot be published waits, with all that comes after it,
and is tried again now and then; the run goes on, for everything is here as well. The
first trouble is told, and when it is over.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from jupyter_pipe.artifacts.protocol import ArtifactRef
from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs import remote
from jupyter_pipe.runs.store import RunFolder, RunStore

__all__ = ["Mirror"]

_SECONDS_BETWEEN = 5.0

Work = Callable[[], None]


class Mirror:
    """The publisher of one run. `explain` is given codes and messages, from the
    thread."""

    def __init__(
        self,
        store: RunStore,
        folder: RunFolder,
        explain: Callable[[str, str], None],
        *,
        trust: bool = False,
    ) -> None:
        self.remote = remote.RemoteRoot(store.url, trust=trust)
        self._store = store
        self._folder = folder
        self._explain = explain
        self._explained = False
        self._followed = time.monotonic()
        self._orders: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._behind: deque[Work] = deque()
        self._try_again = 0.0
        self._thread = threading.Thread(
            target=self._follow_orders, name="mirror", daemon=True
        )
        self._thread.start()
        self.files([folder.pipeline, folder.parameters, folder.events, folder.summary])

    def result(self, refs: Sequence[ArtifactRef], kept: Sequence[Path]) -> None:
        """A stage's result was kept: its values, then the files that say so."""
        self._orders.put(
            lambda: self._in_turn(lambda: self._publish_result(refs, kept))
        )

    def files(self, paths: Iterable[Path]) -> None:
        """These files have changed, or are new."""
        chosen = tuple(paths)
        self._orders.put(lambda: self._in_turn(lambda: self._publish_files(chosen)))

    def follow(self) -> None:
        """Called often: publishes the run's log and summary now and then, and looks
        whether someone elsewhere has asked the run to end."""
        now = time.monotonic()
        if now - self._followed >= _SECONDS_BETWEEN:
            self._followed = now
            self._orders.put(self._look_around)

    def settle(self) -> None:
        """Wait until what was named so far is published, or cannot be."""
        done = threading.Event()
        self._orders.put(self._catch_up)
        self._orders.put(done.set)
        done.wait()

    def close(self) -> None:
        """Publish what the ended run leaves, and wait until all is published, or cannot
        be."""
        folder = self._folder
        learned = self._store.state_folder / "effects.json"
        self.files([learned, folder.report, folder.summary, folder.events])
        self._orders.put(self._catch_up)
        self._orders.put(None)
        self._thread.join()

    def _follow_orders(self) -> None:
        while (order := self._orders.get()) is not None:
            order()

    def _in_turn(self, work: Work) -> None:
        self._behind.append(work)
        if time.monotonic() >= self._try_again:
            self._catch_up()

    def _look_around(self) -> None:
        if not self._behind:
            self._in_turn(
                lambda: self._publish_files([self._folder.events, self._folder.summary])
            )
            self._in_turn(self._look_for_cancel)
        elif time.monotonic() >= self._try_again:
            self._catch_up()

    def _catch_up(self) -> None:
        while self._behind:
            try:
                self._behind[0]()
            except (PipeError, OSError) as error:
                self._try_again = time.monotonic() + remote.PAUSE_SECONDS
                if not self._explained:
                    self._explained = True
                    self._explain(
                        "root_behind",
                        f"Not all of the run is in {self.remote.url}: {error}",
                    )
                return
            self._behind.popleft()
        if self._explained:
            self._explained = False
            self._explain(
                "root_caught_up",
                f"All of the run until now is in {self.remote.url} again.",
            )

    def _publish_result(
        self, refs: Sequence[ArtifactRef], kept: Sequence[Path]
    ) -> None:
        remote.publish_values(self.remote, self._store, refs)
        self._publish_files(kept)

    def _publish_files(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path.exists():
                self.remote.publish(
                    path, path.relative_to(self._store.state_folder).as_posix()
                )

    def _look_for_cancel(self) -> None:
        cancel = self._folder.cancel
        if not cancel.exists():
            self.remote.fetch(
                cancel.relative_to(self._store.state_folder).as_posix(), cancel
            )
