"""The request log: what is written, what is left out, what is lost and counted, what is
removed."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.serving.settings import LogSettings
from jupyter_pipe.serving.traffic import log as log_module
from jupyter_pipe.serving.traffic.log import LOG_GLOB, RequestLog
from jupyter_pipe.serving.traffic.records import Answered, Shadowed, hashed, masked


def answered(number: int, **row: Any) -> Answered:
    return Answered(
        f"id-{number}", 1e9 + number, 200, "1", "d", "champion", 0.01, (row,), (1.5,)
    )


def lines(folder: Path) -> int:
    counts = [
        sqlite3.connect(path).execute("SELECT count(*) FROM answers").fetchone()[0]
        for path in folder.glob(LOG_GLOB)
    ]
    return sum(counts)


class Counted:
    """How many answers were written and lost."""

    def __init__(self) -> None:
        self.written = 0
        self.lost: dict[str, int] = {}

    def wrote(self, count: int) -> None:
        self.written += count

    def lose(self, count: int, cause: str) -> None:
        self.lost[cause] = self.lost.get(cause, 0) + count

    def open(self, settings: LogSettings, **options: Any) -> RequestLog:
        return RequestLog(settings, wrote=self.wrote, lost=self.lose, **options)


def test_what_was_answered_is_on_disk_after_the_end(tmp_path: Path) -> None:
    counted = Counted()
    log = counted.open(LogSettings(str(tmp_path / "log")))
    for number in range(2500):
        log.add(answered(number, area=number))
    log.add(Shadowed("id-1", 1e9, "2", "e", (2.5,)))
    log.close()
    assert (lines(tmp_path / "log"), counted.written, counted.lost) == (2500, 2500, {})
    (path,) = (tmp_path / "log").glob(LOG_GLOB)
    assert sqlite3.connect(path).execute(
        "SELECT predictions FROM shadows"
    ).fetchall() == [("[2.5]",)]


def test_a_queue_that_is_full_loses_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_MOST_QUEUED", 10)
    gate = threading.Event()
    counted = Counted()

    class Slow(RequestLog):
        def _write(self, entries: list[Any]) -> None:
            gate.wait()
            super()._write(entries)

    log = Slow(LogSettings(str(tmp_path)), wrote=counted.wrote, lost=counted.lose)
    for number in range(100):
        log.add(answered(number))
    gate.set()
    log.close()
    assert counted.lost["queue"] >= 80
    assert lines(tmp_path) == counted.written == 100 - counted.lost["queue"]


def test_a_disk_that_cannot_be_written_loses_and_counts(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file in the place of the folder")
    counted = Counted()
    log = counted.open(LogSettings(str(tmp_path / "log")))
    for number in range(10):
        log.add(answered(number))
    log.close()
    assert (counted.written, counted.lost) == (0, {"disk": 10})


def test_files_rotate_and_old_ones_are_removed(tmp_path: Path) -> None:
    time = [1e9]
    counted = Counted()
    old = tmp_path / "requests-20000101-000000-1-1.sqlite"
    old.write_text("")
    os.utime(old, (9e8, 9e8))
    settings = LogSettings(
        str(tmp_path), keep_seconds=30 * 86_400.0, file_seconds=3600.0
    )
    for _ in range(3):
        log = counted.open(settings, clock=lambda: time[0])
        log.add(answered(int(time[0])))
        log.close()
        time[0] += 4000
    assert not old.exists()
    assert len(list(tmp_path.glob(LOG_GLOB))) == 3
    assert lines(tmp_path) == 3


def test_a_file_that_is_large_enough_is_followed_by_another(tmp_path: Path) -> None:
    written = threading.Semaphore(0)
    log = RequestLog(LogSettings(str(tmp_path), file_bytes=1), wrote=written.release)
    for number in range(5):
        log.add(answered(number))
        assert written.acquire(timeout=60)
    log.close()
    assert (len(list(tmp_path.glob(LOG_GLOB))), lines(tmp_path)) == (5, 5)


def test_columns_are_left_out_or_hashed() -> None:
    rows = [{"name": "Ann", "area": 3.0, "phone": "1"}, {"name": None, "area": 4.0}]
    found = masked(rows, ("phone",), ("name",), b"key")
    assert found == [
        {"name": hashed("Ann", b"key"), "area": 3.0},
        {"name": None, "area": 4.0},
    ]
    assert hashed("Ann", b"key") != hashed("Ann", b"other key")


def test_masked_columns_reach_no_file(tmp_path: Path) -> None:
    log = RequestLog(LogSettings(str(tmp_path), drop=("phone",), hash=("name",)))
    log.add(answered(1, name="Annabella", phone="555-7788"))
    log.close()
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"id-1" in data
    assert b"Annabella" not in data
    assert b"555-7788" not in data
