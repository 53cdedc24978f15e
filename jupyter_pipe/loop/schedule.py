"""Times of a cron schedule. Pure but for the name of the machine's own time zone.

Daylight saving is that of Debian's cron: a time that the clock leaps over runs right
after the leap, one that comes twice runs once. cronsim knows that; it belongs to the
extra `loop`.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jupyter_pipe.errors import ExtraMissingError

__all__ = ["find_zone", "latest_due", "next_due", "schedule_problem"]


def schedule_problem(schedule: str) -> str:
    """Why a text is not a schedule; empty for one that is."""
    # cronsim takes a sixth field for seconds, which no crontab has.
    if len(schedule.split()) != 5:
        return f"it has {len(schedule.split())} fields, not 5"
    cronsim = _cronsim()
    try:
        cronsim.CronSim(
            schedule, datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        )
    except cronsim.CronSimError as error:
        return str(error).lower()
    return ""


def latest_due(schedule: str, timezone: str, since: float, now: float) -> float | None:
    """The latest time of the schedule that is after `since` and not after `now`; None
    if there is none. Of several that were missed only the latest counts. UTC seconds
    since the epoch."""
    # A schedule of every minute has half a million times a year: none of those long
    # past is looked at.
    rough = next(_times(schedule, timezone, now + 1, reverse=True), None)
    if rough is None or rough < since - _LEAP_SECONDS:
        return None
    found = None
    # Backwards, times that the clock leaps over have another place than forwards, which
    # is what counts.
    for moment in _times(schedule, timezone, max(since, rough - _LEAP_SECONDS)):
        if moment > now:
            break
        found = moment
    return found


def next_due(schedule: str, timezone: str, now: float) -> float | None:
    """The next time of the schedule after `now`."""
    return next(_times(schedule, timezone, now), None)


def find_zone(name: str) -> ZoneInfo | None:
    """The time zone of that name, the machine's own for an empty one; None if there is
    none."""
    try:
        return ZoneInfo(name or _own_zone())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


# A day, and an hour or two by which clocks are changed.
_LEAP_SECONDS = 26 * 3600.0


def _own_zone() -> str:
    """As TZ or /etc/localtime name it. An offset alone would know nothing of daylight
    saving."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named:
        return named
    try:
        place = os.path.realpath("/etc/localtime")
    except OSError:
        return "UTC"
    return place.partition("/zoneinfo/")[2] or "UTC"


def _times(
    schedule: str, timezone: str, since: float, *, reverse: bool = False
) -> Iterator[float]:
    zone = find_zone(timezone) or datetime.timezone.utc
    begin = datetime.datetime.fromtimestamp(since, zone)
    for moment in _cronsim().CronSim(schedule, begin, reverse=reverse):
        yield moment.timestamp()


def _cronsim() -> Any:
    try:
        import cronsim
    except ImportError:
        raise ExtraMissingError("A schedule", "loop") from None
    return cronsim
