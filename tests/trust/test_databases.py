"""A database that others may have made holds rows, or it is refused."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_pipe.trust.databases import (
    ForeignDatabaseError,
    open_database,
    require_plain,
)
from tests.hostile.attacks.models import (
    WITHOUT_END,
    name_file_in_journal,
    write_database,
)

RAISE = "BEGIN SELECT RAISE(ABORT, 'a stays (as it is)'); END"
PLAIN = {
    "table": "CREATE TABLE t (a);",
    "index": "CREATE TABLE t (a); CREATE INDEX i ON t (a);",
    "generated": "CREATE TABLE t (a, b GENERATED ALWAYS AS (a || 'x'));",
    "refusal": f"CREATE TABLE t (a); CREATE TRIGGER r BEFORE UPDATE ON t WHEN OLD.a != NEW.a {RAISE};",
}
FOREIGN = {
    "view": f"CREATE VIEW t(a) AS {WITHOUT_END} i FROM n;",
    "trigger": "CREATE TABLE t (a); CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET a = 1; END;",
    "two in one": f"CREATE TABLE t (a); CREATE TRIGGER r AFTER INSERT ON t {RAISE[:-3]} DELETE FROM t; END;",
    "condition": f"CREATE TABLE t (a); CREATE TRIGGER r AFTER INSERT ON t WHEN (SELECT 1) {RAISE};",
    "virtual": "CREATE VIRTUAL TABLE t USING fts4(a);",
}


@pytest.mark.parametrize("script", PLAIN.values(), ids=PLAIN)
def test_tables_are_read_and_written(script: str, tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    require_plain(path)
    write_database(path, f"{script} INSERT INTO t (a) VALUES (1);")
    require_plain(path)
    with closing(open_database(path)) as database:
        assert database.execute("SELECT a FROM t").fetchall() == [(1,)]
        with pytest.raises(sqlite3.OperationalError):
            database.execute("INSERT INTO t (a) VALUES (2)")


@pytest.mark.parametrize("script", FOREIGN.values(), ids=FOREIGN)
def test_what_computes_or_acts_is_refused(script: str, tmp_path: Path) -> None:
    write_database(tmp_path / "a.sqlite", script)
    for opened in (open_database, require_plain):
        with pytest.raises(ForeignDatabaseError, match="not a plain table"):
            opened(tmp_path / "a.sqlite")


@pytest.mark.parametrize("ending", ["", "-journal", "-wal", "-shm"])
@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: os.symlink("private.txt", path)]
)
def test_only_files_are_opened(ending: str, make: object, tmp_path: Path) -> None:
    assert callable(make)
    (tmp_path / "private.txt").write_text("mine")
    path = tmp_path / "a.sqlite"
    if ending:
        write_database(path, PLAIN["table"])
    make(f"{path}{ending}")
    for opened in (open_database, require_plain):
        with pytest.raises(sqlite3.DatabaseError):
            opened(path)
    assert (tmp_path / "private.txt").read_text() == "mine"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_journal_that_names_another_file_is_refused(
    is_there: bool, tmp_path: Path
) -> None:
    path, private = tmp_path / "a.sqlite", tmp_path / "private.txt"
    private.write_text("mine")
    write_database(path, PLAIN["table"])
    name_file_in_journal(path, private)
    if not is_there:
        path.unlink()
    with pytest.raises(ForeignDatabaseError, match="names another file"):
        require_plain(path)
    assert private.read_text() == "mine"


def test_sqlite_would_remove_that_file(tmp_path: Path) -> None:
    path, private = tmp_path / "a.sqlite", tmp_path / "private.txt"
    private.write_text("mine")
    write_database(path, PLAIN["table"])
    name_file_in_journal(path, private)
    with closing(sqlite3.connect(path)) as database:
        database.execute("SELECT * FROM t")
    assert not private.exists()


def test_a_query_without_end_is_given_up(tmp_path: Path) -> None:
    write_database(tmp_path / "a.sqlite", PLAIN["table"])
    database = open_database(tmp_path / "a.sqlite", seconds=0.0)
    with (
        closing(database),
        pytest.raises(sqlite3.OperationalError, match="interrupted"),
    ):
        database.execute(f"{WITHOUT_END} count(*) FROM n").fetchall()
