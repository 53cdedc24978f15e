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

__all__ = ["LogWindow", "read_log"]

_QUERY = (
    "SELECT id, at, status, version, digest, role, seconds, rows, predictions, problem "
    "FROM answers WHERE at >= ? AND at < ? ORDER BY at"
)


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
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
                masked.update(dict.fromkeys(_masked(file)))
                answers.extend(_answers(file, since, until))
        except (sqlite3.Error, msgspec.MsgspecError):
            damaged.append(path.name)
    answers.sort(key=lambda answer: answer.at)
    return LogWindow(tuple(answers), tuple(masked), tuple(damaged))


def _masked(file: sqlite3.Connection) -> Iterator[str]:
    for dropped, hashed in file.execute("SELECT dropped, hashed FROM masks"):
        yield from msgspec.json.decode(dropped, type=list[str])
        yield from msgspec.json.decode(hashed, type=list[str])


def _answers(file: sqlite3.Connection, since: float, until: float) -> Iterator[Answered]:
    for line in file.execute(_QUERY, (since, until)):
        id_, at, status, version, digest, role, seconds, rows, predictions, problem = line
        yield Answered(
            id_,
            at,
            status,
            version,
            digest,
            role,
            seconds,
            rows=msgspec.json.decode(rows, type=tuple[dict[str, Any], ...]),
            predictions=msgspec.json.decode(predictions, type=tuple[Any, ...]),
            problem=None if problem is None else msgspec.json.decode(problem, type=Problem),
        )
