"""How much a request log holds, counted by SQLite: no row of a request is read, so that a long log is quick.

Refusals and latencies are those of the newest answers. A file that is damaged, or none of ours, is named.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.serving.traffic.log import LOG_GLOB
from jupyter_pipe.serving.traffic.records import Problem

__all__ = ["Bucket", "TrafficSummary", "VersionTraffic", "summarise_log"]

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
    """`latency` has seconds at `p50`, `p95` and `p99` of the newest `looked` answers, `refusals` counts those
    by `column: rule`."""

    versions: tuple[VersionTraffic, ...]
    buckets: tuple[Bucket, ...]
    latency: dict[str, float]
    looked: int
    refusals: dict[str, int]
    damaged: tuple[str, ...] = ()


def summarise_log(folder: Path, since: float, until: float, buckets: int = 48) -> TrafficSummary:
    """Answers from `since` until before `until`, in UTC seconds since 1970, in so many buckets of time."""
    width = (until - since) / buckets
    totals: dict[tuple[str, str], list[float]] = {}
    counted: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    latest: list[tuple[float, str | None]] = []
    damaged: list[str] = []
    for path in sorted(folder.glob(LOG_GLOB)):
        # Opening a pipe that somebody put there would wait for ever.
        if not path.is_file():
            continue
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
                _add_versions(totals, file.execute(_BY_VERSION, (since, until)).fetchall())
                for place, answers, no in file.execute(_BY_TIME, (since, width, since, until)):
                    counted[place] += answers
                    refused[place] += int(no)
                latest += file.execute(_LATEST, (since, until, _NEWEST)).fetchall()
        except sqlite3.Error:
            damaged.append(path.name)
    return TrafficSummary(
        tuple(VersionTraffic(*key, int(a), int(r), newest) for key, (a, r, newest) in sorted(totals.items())),
        tuple(Bucket(since + n * width, counted[n], refused[n]) for n in range(buckets)) if totals else (),
        _quantiles(sorted(seconds for seconds, _ in latest)),
        len(latest),
        _refusals(latest),
        tuple(damaged),
    )


def _add_versions(
    totals: dict[tuple[str, str], list[float]], rows: Sequence[tuple[str, str, int, float, float]]
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
        name: seconds[min(len(seconds) - 1, int(share * len(seconds)))] for name, share in _QUANTILES.items()
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
