"""SQLite files that others may have put where ours lie.

A database is data only as far as it has rows: views compute without end, triggers act
when something is written, and a journal beside it can name another file, which SQLite
removes when it rolls the journal back. What has any of these is refused. Raises
ForeignDatabaseError, and sqlite3.Error as SQLite does.
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import time
from pathlib import Path

from jupyter_pipe.trust.records import open_regular_file

__all__ = ["ForeignDatabaseError", "open_database", "require_plain"]

_BESIDE = ("-journal", "-wal", "-shm")
_JOURNAL_END = bytes.fromhex("d9d505f920a163d7")
"""What follows the name of another file at the end of a journal; ours, of one database
each, name none."""
_STEPS = 100_000
_LIMIT_LENGTH = 0  # SQLite's number for it
_LONGEST_VALUE = 64 << 20
_NOT_PLAIN = "SELECT name, sql FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'"
# MLflow has one that keeps what must not change as it is.
_REFUSING = re.compile(
    r"\s*CREATE TRIGGER\b(?:(?!SELECT).)*\bBEGIN\s+SELECT RAISE\(\w+, '[^']*'\);\s*END\s*",
    re.DOTALL,
)


class ForeignDatabaseError(sqlite3.DatabaseError):
    """The database, or what lies beside it, is not as ours are."""


def open_database(path: Path, *, seconds: float = 60.0) -> sqlite3.Connection:
    """A database for reading alone. A query that takes longer than so many seconds is
    given up."""
    _require_files(path)
    # Read-only: a reader neither makes the file nor holds a writer up. SQLite waits for
    # a writer's lock.
    connection = _connect(path, "ro")
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    return connection


def require_plain(path: Path) -> None:
    """Before somebody opens a database for writing: raise unless it holds rows and
    nothing else. One that is not there is fine."""
    if not os.path.lexists(path):
        _require_files_beside(path)
        return
    _require_files(path)
    # A journal of a writer that was killed is rolled back by whoever comes next, who
    # has to be able to write.
    _connect(path, "rw" if Path(f"{path}-journal").exists() else "ro").close()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=30
    )
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        if hasattr(connection, "setlimit"):  # from Python 3.11 on
            connection.setlimit(_LIMIT_LENGTH, _LONGEST_VALUE)
        for name, text in connection.execute(_NOT_PLAIN):
            if not _REFUSING.fullmatch(str(text)):
                raise ForeignDatabaseError(
                    f"{str(name)!r:.80} in it is not a plain table"
                )
    except BaseException:
        connection.close()
        raise
    return connection


def _require_files(path: Path) -> None:
    try:
        open_regular_file(path).close()
    except OSError as error:
        raise ForeignDatabaseError(error.strerror or str(error)) from None
    _require_files_beside(path)


def _require_files_beside(path: Path) -> None:
    """SQLite would wait for a pipe, and write through a link."""
    for ending in _BESIDE:
        beside = f"{path}{ending}"
        if os.path.lexists(beside) and not stat.S_ISREG(os.lstat(beside).st_mode):
            raise ForeignDatabaseError(
                f"{os.path.basename(beside)} is not a regular file"
            )
    if _end_of(f"{path}-journal") == _JOURNAL_END:
        raise ForeignDatabaseError(f"{path.name}-journal names another file")


def _end_of(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_JOURNAL_END)))
            return file.read()
    except OSError:
        return b""
