"""The page *Monitoring*: whether services are asked what their models were made for,
and how that went on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.monitoring.bundles import kept_bundles
from jupyter_pipe.monitoring.history import Moment, moments
from jupyter_pipe.monitoring.model import VersionWatch
from jupyter_pipe.monitoring.watching import watch
from jupyter_pipe.server.operations.payloads import (
    MomentShown,
    MonitoringPage,
    SeriesShown,
    WatchedShown,
    WatchedVersion,
)
from jupyter_pipe.server.operations.places import Place
from jupyter_pipe.serving.traffic.reading import read_log

__all__ = ["monitoring_page"]

# A week: it holds each day of the week once.
_SECONDS = 7 * 86_400.0
_MOST_SERIES = 12
# A page is to be there within a second or two, however much was asked in a week.
_MOST_ANSWERS = 3_000


def monitoring_page(place: Place) -> MonitoringPage:
    """What was asked of the folder's services in the last week."""
    until = time.time()
    since = until - _SECONDS
    shown, problems = [], []
    for path in place.services():
        if not (path / "log").is_dir():
            continue
        try:
            shown.append(_watched(path, since, until))
        except PipeError as error:
            problems.append(place.sentence(error))
    return MonitoringPage(since, tuple(shown), " ".join(problems))


def _watched(folder: Path, since: float, until: float) -> WatchedShown:
    log = read_log(folder / "log", since, until, most=_MOST_ANSWERS)
    find = kept_bundles(folder)
    watched = watch(folder.name, log, (since, until), find)
    found = moments(log, find)
    unread = ", ".join(log.damaged)
    return WatchedShown(
        name=folder.name,
        state=watched.state,
        versions=tuple(_version(each) for each in watched.versions),
        moments=tuple(
            MomentShown(each.since, each.version, each.rows, each.middle)
            for each in found
        ),
        series=tuple(_series(found)),
        every=log.every,
        problem=f"Files of the request log that cannot be read: {unread}."
        if unread
        else "",
    )


def _version(version: VersionWatch) -> WatchedVersion:
    alarms = tuple(
        each.message if each.batch == "all rows" else f"{each.batch}: {each.message}"
        for each in version.alarms
    )
    return WatchedVersion(
        version=version.version,
        run_id=version.run_id,
        state=version.state,
        rows=version.traffic.rows,
        alarms=alarms,
        ignored=version.ignored,
        missing=version.missing,
    )


def _series(found: tuple[Moment, ...]) -> Iterator[SeriesShown]:
    """One line a column, those first that moved furthest."""
    names = dict.fromkeys(name for moment in found for name in moment.indices)
    most = {
        name: max(moment.indices.get(name, 0.0) for moment in found) for name in names
    }
    for name in sorted(names, key=lambda each: -most[each])[:_MOST_SERIES]:
        yield SeriesShown(
            name,
            tuple(moment.indices.get(name) for moment in found),
            tuple(name in moment.moved for moment in found),
        )
