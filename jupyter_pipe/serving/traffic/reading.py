"""Gives back what a request log holds, oldest first. Files that are being written can be read.

A file that is damaged, or none of ours, is left out and named.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe.serving.traffic.log import LOG_GLOB
from jupyter_pipe.serving.traffic.records import Answered, Problem
from jupyter_pipe.trust.databases import open_database

__all__ = ["LogWindow", "read_log"]

_QUERY = (
    "SELECT id, at, status, version, digest, role, seconds, rows, predictions, problem "
    "FROM answers WHERE at >= ? AND at < ? ORDER BY at"
)

_Head = tuple[str, float, int, str, str, str, float]
_SECONDS = 600.0
"""For one file, which may be large."""


class LogWindow(Struct, frozen=True):
    """Answers between two moments. `masked` are columns that the log does not hold as they were sent;
    `damaged` are files that could not be read."""

    answers: tuple[Answered, ...]
    masked: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


def read_log(folder: Path, since: float, until: float) -> LogWindow:
    """All answers from `since` until before `until`, in UTC seconds since 1970."""
    answers: list[Answered] = []
    masked: dict[str, None] = {}
    damaged: list[str] = []
    for path in filter(Path.is_file, sorted(folder.glob(LOG_GLOB))):
        try:
            with closing(open_database(path, seconds=_SECONDS)) as file:
                masked.update(dict.fromkeys(_masked(file)))
                answers.extend(_answers(file, since, until))
        except (sqlite3.Error, msgspec.MsgspecError, RecursionError):
            damaged.append(path.name)
    answers.sort(key=lambda answer: answer.at)
    return LogWindow(tuple(answers), tuple(masked), tuple(damaged))


def _masked(file: sqlite3.Connection) -> Iterator[str]:
    for dropped, hashed in file.execute("SELECT dropped, hashed FROM masks"):
        yield from msgspec.json.decode(_text(dropped), type=list[str])
        yield from msgspec.json.decode(_text(hashed), type=list[str])


def _answers(file: sqlite3.Connection, since: float, until: float) -> Iterator[Answered]:
    for line in file.execute(_QUERY, (since, until)):
        # SQLite keeps any type in any column.
        id_, at, status, version, digest, role, seconds = msgspec.convert(line[:7], _Head)
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
            problem=None if problem is None else msgspec.json.decode(_text(problem), type=Problem),
        )


def _text(value: object) -> str:
    return msgspec.convert(value, str)
