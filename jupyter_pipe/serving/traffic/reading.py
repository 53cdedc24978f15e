"""Gives back what a request log holds, oldest first. Files that are being written can
be read.

A file that is damaged, or none of ours, is left out and named.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe.serving.traffic.log import log_files
from jupyter_pipe.serving.traffic.records import Answered, Problem
from jupyter_pipe.trust.databases import open_database

__all__ = ["LogWindow", "read_log"]

_QUERY = (
    "SELECT id, at, status, version, digest, role, seconds, rows, predictions, problem "
    "FROM answers WHERE at >= ? AND at < ? AND rowid % ? = 0 ORDER BY at"
)
_COUNT = "SELECT count(*) FROM answers WHERE at >= ? AND at < ?"

_Head = tuple[str, float, int, str, str, str, float]
_SECONDS = 600.0
"""For one file, which may be large."""


class LogWindow(Struct, frozen=True):
    """Answers between two moments; where there were too many, only one of `every` so
    many. `masked` are columns that the log does not hold as they were sent; `damaged`
    are files that could not be read."""

    answers: tuple[Answered, ...]
    masked: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    every: int = 1


def read_log(
    folder: Path, since: float, until: float, *, most: int | None = None
) -> LogWindow:
    """All answers from `since` until before `until`, in UTC seconds since 1970. Of more
    than `most`, each second, third … is taken, so that they are of the whole time."""
    # Rounded up, so that there are never more than `most`.
    every = 1 if most is None else max(1, -(-_count(folder, since, until) // most))
    answers: list[Answered] = []
    masked: dict[str, None] = {}
    damaged: list[str] = []
    for path in log_files(folder):
        try:
            with closing(open_database(path, seconds=_SECONDS)) as file:
                masked.update(dict.fromkeys(_masked(file)))
                answers.extend(_answers(file, since, until, every))
        except (sqlite3.Error, msgspec.MsgspecError, RecursionError):
            damaged.append(path.name)
    answers.sort(key=lambda answer: answer.at)
    return LogWindow(tuple(answers), tuple(masked), tuple(damaged), every)


def _count(folder: Path, since: float, until: float) -> int:
    """How many answers there are, of files that can be read."""
    total = 0
    for path in log_files(folder):
        with (
            contextlib.suppress(sqlite3.Error),
            closing(open_database(path, seconds=_SECONDS)) as file,
        ):
            total += int(file.execute(_COUNT, (since, until)).fetchone()[0])
    return total


def _masked(file: sqlite3.Connection) -> Iterator[str]:
    for dropped, hashed in file.execute("SELECT dropped, hashed FROM masks"):
        yield from msgspec.json.decode(_text(dropped), type=list[str])
        yield from msgspec.json.decode(_text(hashed), type=list[str])


def _answers(
    file: sqlite3.Connection, since: float, until: float, every: int
) -> Iterator[Answered]:
    for line in file.execute(_QUERY, (since, until, every)):
        # SQLite keeps any type in any column.
        id_, at, status, version, digest, role, seconds = msgspec.convert(
            line[:7], _Head
        )
        rows, predictions, problem = line[7:]
        yield Answered(
            id_,
            at,
            status,
            version,
            digest,
            role,
            seconds,
            rows=msgspec.json.decode(_text(rows), type=tuple[dict[str, Any], ...]),
            predictions=msgspec.json.decode(_text(predictions), type=tuple[Any, ...]),
            problem=None
            if problem is None
            else msgspec.json.decode(_text(problem), type=Problem),
        )


def _text(value: object) -> str:
    return msgspec.convert(value, str)
