"""How much a request log holds, counted by SQLite: no row of a request is read, so that
a long log is quick.

Refusals and latencies are those of the newest answers. A file that is damaged, or none
of ours, is named.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.serving.traffic.log import log_files
from jupyter_pipe.serving.traffic.records import Problem
from jupyter_pipe.trust.databases import open_database

__all__ = ["Bucket", "TrafficSummary", "VersionTraffic", "summarise_log"]

# Of these latencies tell what they tell of all; reading all would take as long as the
# log is.
_NEWEST = 5_000
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_BY_VERSION = (
    "SELECT version, role, count(*), total(status >= 400), max(at) FROM answers WHERE at >= ? AND at < ? "
    "GROUP BY version, role"
)
_BY_TIME = (
    "SELECT CAST((at - ?) / ? AS INTEGER), count(*), total(status >= 400) FROM answers "
    "WHERE at >= ? AND at < ? GROUP BY 1"
)
_LATEST = "SELECT seconds, problem FROM answers WHERE at >= ? AND at < ? ORDER BY at DESC LIMIT ?"


class VersionTraffic(Struct, frozen=True):
    """What a version answered in one role; `newest` is the time of the last answer."""

    version: str
    role: str
    answers: int
    refused: int
    newest: float


class Bucket(Struct, frozen=True):
    """Answers from `since` on until the next bucket begins."""

    since: float
    answers: int
    refused: int


class TrafficSummary(Struct, frozen=True):
    """`latency` has seconds at `p50`, `p95` and `p99` of the newest `looked` answers,
    `refusals` counts those by `column: rule`."""

    versions: tuple[VersionTraffic, ...]
    buckets: tuple[Bucket, ...]
    latency: dict[str, float]
    looked: int
    refusals: dict[str, int]
    damaged: tuple[str, ...] = ()


def summarise_log(
    folder: Path, since: float, until: float, buckets: int = 48
) -> TrafficSummary:
    """Answers from `since` until before `until`, in UTC seconds since 1970, in so many
    buckets of time."""
    width = (until - since) / buckets
    totals: dict[tuple[str, str], list[float]] = {}
    counted: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    latest: list[tuple[float, str | None]] = []
    damaged: list[str] = []
    for path in log_files(folder):
        try:
            found = _count(path, since, until, width)
        except (sqlite3.Error, msgspec.MsgspecError):
            damaged.append(path.name)
            continue
        _add_versions(totals, found.versions)
        for place, answers, no in found.buckets:
            counted[place] += answers
            refused[place] += int(no)
        latest += found.latest
    return TrafficSummary(
        tuple(
            VersionTraffic(*key, int(a), int(r), newest)
            for key, (a, r, newest) in sorted(totals.items())
        ),
        tuple(Bucket(since + n * width, counted[n], refused[n]) for n in range(buckets))
        if totals
        else (),
        _quantiles(sorted(seconds for seconds, _ in latest)),
        len(latest),
        _refusals(latest),
        tuple(damaged),
    )


class _Counted(Struct, frozen=True):
    """What SQLite counted in one file, by `_BY_VERSION`, `_BY_TIME` and `_LATEST`."""

    versions: list[tuple[str, str, int, float, float]]
    buckets: list[tuple[int, int, float]]
    latest: list[tuple[float, str | None]]


def _count(path: Path, since: float, until: float, width: float) -> _Counted:
    """Raises sqlite3.Error and msgspec.MsgspecError for what is no log of ours."""
    with closing(open_database(path)) as file:
        counted = {
            "versions": file.execute(_BY_VERSION, (since, until)).fetchall(),
            "buckets": file.execute(_BY_TIME, (since, width, since, until)).fetchall(),
            "latest": file.execute(_LATEST, (since, until, _NEWEST)).fetchall(),
        }
    # SQLite keeps any type in any column.
    return msgspec.convert(counted, _Counted)


def _add_versions(
    totals: dict[tuple[str, str], list[float]],
    rows: Sequence[tuple[str, str, int, float, float]],
) -> None:
    """One version may have answered in several files."""
    for version, role, answers, refused, newest in rows:
        total = totals.setdefault((version, role), [0, 0, 0.0])
        total[0] += answers
        total[1] += refused
        total[2] = max(total[2], newest)


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {
        name: seconds[min(len(seconds) - 1, int(share * len(seconds)))]
        for name, share in _QUANTILES.items()
    }


def _refusals(latest: Sequence[tuple[float, str | None]]) -> dict[str, int]:
    """The most frequent first."""
    found: Counter[str] = Counter()
    for _, text in latest:
        if text is None:
            continue
        try:
            problem = msgspec.json.decode(text, type=Problem)
        except (msgspec.MsgspecError, ValueError):
            continue
        found[f"{problem.column or 'any column'}: {problem.rule or problem.code}"] += 1
    return dict(found.most_common(12))
