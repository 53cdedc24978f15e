"""The request log: SQLite files, written by a thread behind a bounded queue.

Each worker has files of its own, so none waits for another; a new one is begun after a
size or a time, and old ones are removed. What does not fit into the queue, or cannot be
written, is counted as lost. Tables: `answers`, one line an answer; `shadows`, what a
shadow would have answered; `masks`, which columns are missing or hashed.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from jupyter_pipe.serving.settings import LogSettings
from jupyter_pipe.serving.traffic.records import Answered, Shadowed, masked
from jupyter_pipe.trust.keys import signing_key

__all__ = ["LOG_GLOB", "RequestLog", "log_files"]

LOG_GLOB = "requests-*.sqlite"
# Entries that may wait for the disk; each holds the rows of a request.
_MOST_QUEUED = 20_000
# Entries in one transaction.
_AT_ONCE = 1_000
_TABLES = """
CREATE TABLE answers (
    id TEXT PRIMARY KEY, at REAL NOT NULL, status INTEGER NOT NULL, version TEXT NOT NULL,
    digest TEXT NOT NULL, role TEXT NOT NULL, seconds REAL NOT NULL,
    rows TEXT, predictions TEXT, problem TEXT
);
CREATE INDEX answers_at ON answers (at);
CREATE TABLE masks (dropped TEXT NOT NULL, hashed TEXT NOT NULL);
CREATE TABLE shadows (
    id TEXT NOT NULL, at REAL NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL, predictions TEXT
);
"""
Entry = Answered | Shadowed


class RequestLog:
    """The thread. `wrote` is told how many answers are on disk, `lost` how many never
    will be, and why."""

    def __init__(
        self,
        settings: LogSettings,
        *,
        wrote: Callable[[int], None] = lambda count: None,
        lost: Callable[[int, str], None] = lambda count, cause: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._wrote = wrote
        self._lost = lost
        self._clock = clock
        self._queue: queue.Queue[Entry | None] = queue.Queue(_MOST_QUEUED)
        self._file: sqlite3.Connection | None = None
        self._path = Path()
        self._begun = 0.0
        self._complained = False
        self._thread = threading.Thread(
            target=self._run, name="request log", daemon=True
        )
        self._thread.start()

    def add(self, entry: Entry) -> None:
        """Take an entry, without waiting."""
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            if isinstance(entry, Answered):
                self._lost(1, "queue")

    def close(self) -> None:
        """Write what is queued, then end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            entries, ended = self._further(first)
            self._write(entries)
            if ended:
                break
        self._close_file()

    def _further(self, first: Entry) -> tuple[list[Entry], bool]:
        entries = [first]
        while len(entries) < _AT_ONCE:
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                break
            if entry is None:
                return entries, True
            entries.append(entry)
        return entries, False

    def _write(self, entries: list[Entry]) -> None:
        """Appends in one transaction. What cannot be written is counted as lost, and
        said once."""
        answers = [entry for entry in entries if isinstance(entry, Answered)]
        shadows = [entry for entry in entries if isinstance(entry, Shadowed)]
        try:
            file = self._open_file()
            with file:
                file.executemany(
                    "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [self._line(answer) for answer in answers],
                )
                file.executemany(
                    "INSERT INTO shadows VALUES (?, ?, ?, ?, ?)",
                    [
                        (
                            each.id,
                            each.at,
                            each.version,
                            each.digest,
                            _json(each.predictions),
                        )
                        for each in shadows
                    ],
                )
        except (sqlite3.Error, OSError) as error:
            self._complain(error)
            self._close_file()
            # Shadows are not counted: no client has been told of them.
            self._lost(len(answers), "disk")
            return
        self._complained = False
        self._wrote(len(answers))

    def _line(self, answer: Answered) -> tuple[object, ...]:
        settings = self._settings
        rows = masked(answer.rows, settings.drop, settings.hash, _secret())
        problem = None if answer.problem is None else _json(answer.problem)
        head = (
            answer.id,
            answer.at,
            answer.status,
            answer.version,
            answer.digest,
            answer.role,
        )
        return (*head, answer.seconds, _json(rows), _json(answer.predictions), problem)

    def _complain(self, error: Exception) -> None:
        """Once, until it works again."""
        if not self._complained:
            logging.getLogger(__name__).warning(
                "The request log cannot be written: %s", error
            )
        self._complained = True

    def _open_file(self) -> sqlite3.Connection:
        if self._file is not None and self._is_full():
            self._close_file()
        if self._file is None:
            folder = Path(self._settings.folder)
            folder.mkdir(parents=True, exist_ok=True)
            self._remove_old(folder)
            self._begun = self._clock()
            stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self._begun))
            self._path = (
                # Names sort by time. The random end tells files of one second and one
                # pid apart.
                folder / f"requests-{stamp}-{os.getpid()}-{os.urandom(3).hex()}.sqlite"
            )
            file = sqlite3.connect(self._path)
            # Readers see whole transactions, and a worker that is killed leaves a file
            # that can be read.
            file.execute("PRAGMA journal_mode=WAL")
            # A power cut may lose lines. Waiting for the disk would hold up the queue.
            file.execute("PRAGMA synchronous=OFF")
            file.executescript(_TABLES)
            masks = (_json(self._settings.drop), _json(self._settings.hash))
            with file:
                file.execute("INSERT INTO masks VALUES (?, ?)", masks)
            self._file = file
        return self._file

    def _is_full(self) -> bool:
        settings = self._settings
        size = sum(
            path.stat().st_size
            for path in (self._path, _wal(self._path))
            if path.exists()
        )
        return (
            size >= settings.file_bytes
            or self._clock() - self._begun >= settings.file_seconds
        )

    def _remove_old(self, folder: Path) -> None:
        """Files whose newest line is older than what is kept."""
        oldest = self._clock() - self._settings.keep_seconds
        for path in log_files(folder):
            if path.stat().st_mtime < oldest:
                for each in (path, _wal(path), path.with_name(f"{path.name}-shm")):
                    each.unlink(missing_ok=True)

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def log_files(folder: Path) -> list[Path]:
    """The files of a log, oldest first. A link is none: no service makes one, and it
    would show a log of somewhere else; nor is a pipe, which would be waited for."""
    return sorted(
        path
        for path in folder.glob(LOG_GLOB)
        if path.is_file() and not path.is_symlink()
    )


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _secret() -> bytes:
    return signing_key().secret


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
