"""Notices what runs write down, wherever the runs were started, and passes it on in
small events.

One thread looks at the folders that clients have asked about: the time of `runs/` says
whether a run came or went, the length of `events.jsonl` whether an active run moved on.
Looking at an idle folder costs one `stat`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from jupyter_pipe.errors import PipeError
from jupyter_pipe.events import RunState
from jupyter_pipe.runs import RunStore
from jupyter_pipe.server.payloads import RunChanged
from jupyter_pipe.trust.records import UNREADABLE, open_regular_file

__all__ = ["RunWatcher"]

# As fast as people see; a look at a folder in which nothing happens costs one `stat`.
SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_BETWEEN_CENSUSES = 2.0
# A log that grew by more is read in several looks.
_MOST_AT_ONCE = 64 << 20
_ACTIVE = frozenset({RunState.queued, RunState.running})


class _Line(msgspec.Struct):
    """What the watcher reads of an event."""

    event: str
    state: RunState | None = None


class _Tail:
    """How far one active run's log has been read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.seq = 0
        self.state = RunState.queued

    def advance(self) -> bool:
        """Read what is new; whether there was anything."""
        if not self._has_grown():
            return False
        with open_regular_file(self.path, follow=False) as file:
            file.seek(self.offset)
            new = os.fstat(file.fileno()).st_size - self.offset
            data = file.read(min(_MOST_AT_ONCE, max(new, 0)))
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        for line in whole.splitlines():
            self.seq += 1  # an event's number is that of its line
            self._note(line)
        return bool(whole)

    def _has_grown(self) -> bool:
        try:
            return self.path.stat().st_size > self.offset
        except OSError:
            return False

    def _note(self, line: bytes) -> None:
        try:
            seen = msgspec.json.decode(line, type=_Line)
        except UNREADABLE:
            return  # the store reports a damaged log when it is read
        if seen.event == "run_started":
            self.state = RunState.running
        elif seen.event == "run_finished" and seen.state is not None:
            self.state = seen.state


class _Watched:
    """One folder that holds runs."""

    def __init__(self, root: str, store: RunStore) -> None:
        self.root = root
        self.store = store
        self.known = frozenset(store.ids())
        self.tails = {
            run_id: self._tail(run_id)
            for run_id in self.known
            if self._is_active(run_id)
        }
        self.changed_at = -1

    def look(self, tell: Callable[[RunChanged], None]) -> None:
        """Find new runs, and what active ones have written."""
        if self._runs_changed():
            self._find_runs()
        for run_id, tail in tuple(self.tails.items()):
            if tail.advance():
                tell(RunChanged(self.root, run_id, tail.seq, tail.state))
            if tail.state not in _ACTIVE:
                del self.tails[run_id]

    def take_census(self) -> None:
        """Find runs whose log came long after their folder, and write down the end of
        those whose runner died; the next look tells of both."""
        self._find_runs()
        if self.tails:
            self.store.reconcile()

    def _runs_changed(self) -> bool:
        try:
            changed_at = self.store.runs_folder.stat().st_mtime_ns
        except OSError:
            return False
        # A run's log appears in its folder shortly after the folder itself: look once
        # more.
        settled = (
            changed_at == self.changed_at
            and time.time_ns() - changed_at > 2_000_000_000
        )
        self.changed_at = changed_at
        return not settled

    def _find_runs(self) -> None:
        ids = frozenset(self.store.ids())
        self.tails |= {run_id: self._tail(run_id) for run_id in ids - self.known}
        self.known = ids

    def _tail(self, run_id: str) -> _Tail:
        return _Tail(self.store.folder(run_id).events)

    def _is_active(self, run_id: str) -> bool:
        try:
            return not self.store.read(run_id).is_final
        except PipeError:
            return False


class RunWatcher:
    """Watches folders from the moment that somebody asks about one, until the server is
    gone."""

    def __init__(self, tell: Callable[[RunChanged], None]) -> None:
        self._tell = tell
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, root: str, folder: Path, *, start: bool = True) -> None:
        """Begin to watch the runs of a folder. Runs whose runner died are marked first.
        Without `start`, the caller looks."""
        with self._lock:
            if root in self._watched:
                return
            store = RunStore(folder)
            store.reconcile()
            self._watched[root] = _Watched(root, store)
            if start and self._thread is None:
                self._thread = threading.Thread(
                    target=self._go_on, name="jupyter-pipe-watcher", daemon=True
                )
                self._thread.start()

    def look(self) -> None:
        """Look at every folder once."""
        with self._lock:
            watched = tuple(self._watched.values())
        for each in watched:
            each.look(self._tell)

    def _go_on(self) -> None:
        census = time.monotonic()
        while True:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            try:
                if time.monotonic() - census > _SECONDS_BETWEEN_CENSUSES:
                    self.take_census()
                    census = time.monotonic()
                self.look()
            except OSError:
                continue  # a folder that goes away between two looks
            except RuntimeError:
                return  # the server's loop is closed

    def take_census(self) -> None:
        """Look again at all that a look may have missed; costs more than one."""
        with self._lock:
            watched = tuple(self._watched.values())
        for each in watched:
            each.take_census()
