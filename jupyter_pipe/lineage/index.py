"""The index: SQLite, one row for each file that a stage of a run touched. Made anew if
it cannot be used."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from jupyter_pipe.errors import RunError
from jupyter_pipe.runs.data.observations import read_observations
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.databases import require_plain
from jupyter_pipe.trust.signatures import is_signed, sign

__all__ = ["LineageIndex", "Touch"]

# Another number makes every index of before be made again.
_VERSION = 2
_PURPOSE = "lineage index"
_TABLES = """
CREATE TABLE runs (run_id TEXT PRIMARY KEY, notebook TEXT, state TEXT, queued REAL, commit_id TEXT);
CREATE TABLE files (run_id TEXT, stage TEXT, path TEXT, digest TEXT, role TEXT);
CREATE INDEX files_by_path ON files (path);
CREATE INDEX files_by_run ON files (run_id);
CREATE TABLE made (signature BLOB);
"""


class Touch(Struct, frozen=True):
    """A stage of a run read or wrote a file. `path` is absolute, `digest` the SHA-256
    of its content then, or `missing`. `queued` is when the run was asked for, UTC
    seconds; `commit` is empty outside a repository."""

    run_id: str
    stage: str
    path: str
    digest: str
    role: Literal["read", "written"]
    notebook: str
    state: str
    queued: float
    commit: str


class LineageIndex:
    """The index of a root's runs. Opening brings it up to date: runs that ended since
    are added, runs that were removed are forgotten. Raises RunError if the folder
    cannot be written."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._path = store.state_folder / "lineage.sqlite"
        try:
            self._connection = self._opened()
        except sqlite3.Error as error:
            raise RunError(
                f"{self._path} cannot be used: {error}.",
                code="root_unwritable",
                hint="Delete it; it is made again from the runs.",
            ) from None

    def touches(self, path: Path) -> tuple[Touch, ...]:
        """Every stage that read or wrote the file, newest run first. A file is found
        under the path that it had, whether or not it is there now."""
        rows = self._connection.execute(
            "SELECT f.run_id, f.stage, f.path, f.digest, f.role, r.notebook, r.state, r.queued, r.commit_id"
            " FROM files f JOIN runs r USING (run_id) WHERE f.path = ?"
            " ORDER BY r.queued DESC, f.run_id DESC, f.rowid",
            (os.path.abspath(path),),
        )
        return tuple(Touch(*row) for row in rows)

    def paths(self) -> tuple[str, ...]:
        """Every file that any run touched."""
        return tuple(
            path
            for (path,) in self._connection.execute(
                "SELECT DISTINCT path FROM files ORDER BY path"
            )
        )

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> LineageIndex:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def _opened(self) -> sqlite3.Connection:
        """Up to date; an index that is damaged, or of another version, is made anew."""
        self._store.require_no_links()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = None
        try:
            require_plain(self._path)
            connection = sqlite3.connect(self._path, timeout=30)
            self._bring_up_to_date(connection)
        except sqlite3.DatabaseError:
            if connection is not None:
                connection.close()
            # SQLite would play the journal of the damaged file into the new one.
            for ending in ("", "-journal", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    Path(f"{self._path}{ending}").unlink()
            connection = sqlite3.connect(self._path, timeout=30)
            self._bring_up_to_date(connection)
        return connection

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        with connection:
            # One writer at a time: who comes second finds it done.
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                self._make_tables(connection)
            self._require_own(connection)
            known = {
                run_id for (run_id,) in connection.execute("SELECT run_id FROM runs")
            }
            there = self._store.ids()
            gone = [(run_id,) for run_id in known.difference(there)]
            connection.executemany("DELETE FROM runs WHERE run_id = ?", gone)
            connection.executemany("DELETE FROM files WHERE run_id = ?", gone)
            for run_id in there:
                if run_id not in known:
                    self._add(connection, run_id)

    def _require_own(self, connection: sqlite3.Connection) -> None:
        """What another user, or nobody, has made is made anew: rows of theirs could say
        anything."""
        rows = connection.execute("SELECT signature FROM made").fetchall()
        signed = [row[0] for row in rows if isinstance(row[0], bytes)]
        if not any(is_signed(_PURPOSE, str(self._path), data) for data in signed):
            raise sqlite3.DatabaseError("somebody else has made it")

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        for (name,) in names:
            connection.execute(f'DROP TABLE "{name}"')
        for statement in filter(str.strip, _TABLES.split(";")):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO made VALUES (?)", (sign(_PURPOSE, str(self._path), b"{}"),)
        )
        connection.execute(f"PRAGMA user_version = {_VERSION}")

    def _add(self, connection: sqlite3.Connection, run_id: str) -> None:
        try:
            run = self._store.read(run_id)
        except RunError:
            return
        # One that goes on is looked at again when it has ended.
        if not run.is_final:
            return
        git = run.facts.provenance.get("git") or {}
        row = (
            run_id,
            run.facts.notebook,
            run.state.value,
            run.queued,
            git.get("commit", ""),
        )
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", row)
        connection.executemany(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?)", self._files(run)
        )

    def _files(self, run: Run) -> Iterator[tuple[str, str, str, str, str]]:
        workdir = run.facts.workdir or str(self._store.root)
        folder = self._store.folder(run.run_id)
        for stage, observed in read_observations(folder, run):
            for role, touched in (
                ("read", (*observed.read, *observed.modules)),
                ("written", observed.written),
            ):
                for one in touched:
                    if one.aspect == "content":
                        # Observed paths are relative to where the stage ran; `join`
                        # leaves absolute ones as they are.
                        path = os.path.abspath(os.path.join(workdir, one.path))
                        yield run.run_id, stage, path, one.digest, role
