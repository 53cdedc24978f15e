"""Cron schedules: missed times, daylight saving, clocks that were set back."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from jupyter_pipe.loop.schedule import find_zone, latest_due, next_due, schedule_problem

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: datetime.tzinfo = BERLIN) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def utc(seconds: float | None) -> str:
    assert seconds is not None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(
        "%m-%d %H:%M"
    )


@pytest.mark.parametrize(
    ("since", "now", "due"),
    [
        ("2026-11-02T06:00", "2026-11-02T23:00", None),
        ("2026-11-02T05:59", "2026-11-02T06:00", "11-02 05:00"),
        ("2026-11-02T05:59", "2026-11-30T09:00", "11-30 05:00"),
        ("2026-11-02T07:00", "2026-11-02T05:00", None),
    ],
    ids=["none", "now", "the latest of four that were missed", "clock set back"],
)
def test_mondays_at_six(since: str, now: str, due: str | None) -> None:
    found = latest_due("0 6 * * MON", "Europe/Berlin", at(since), at(now))
    assert (None if found is None else utc(found)) == due


def times(schedule: str, since: str, until: str) -> list[str]:
    """What a loop that looks every ten minutes takes for due."""
    found, base, now = [], at(since), at(since)
    while now <= at(until):
        due = latest_due(schedule, "Europe/Berlin", base, now)
        if due is not None:
            found.append(utc(due))
            base = due
        now += 600
    return found


def test_a_time_that_the_clock_leaps_over_runs_once() -> None:
    assert times("30 2 * * *", "2026-03-28T12:00", "2026-03-30T12:00") == [
        "03-29 01:00",
        "03-30 00:30",
    ]


def test_a_time_that_comes_twice_runs_once() -> None:
    assert times("30 2 * * *", "2026-10-24T12:00", "2026-10-26T12:00") == [
        "10-25 00:30",
        "10-26 01:30",
    ]


def test_every_hour_has_25_on_the_longest_day() -> None:
    assert len(times("0 * * * *", "2026-10-25T00:00", "2026-10-25T23:30")) == 24
    assert len(times("0 * * * *", "2026-03-29T00:00", "2026-03-29T23:30")) == 22


def test_the_next_time() -> None:
    assert (
        utc(next_due("0 6 1 1 *", "UTC", at("2026-11-02T06:00", datetime.timezone.utc)))
        == "01-01 06:00"
    )


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("0 6 * * MON", ""),
        ("0 6 * *", "it has 4 fields, not 5"),
        ("61 6 * * *", "bad minute"),
    ],
)
def test_a_schedule_is_checked(schedule: str, problem: str) -> None:
    assert schedule_problem(schedule) == problem


def test_zones() -> None:
    assert find_zone("Europe/Berlin") is not None
    assert find_zone("") is not None
    assert find_zone("Europe/Atlantis") is None
    assert find_zone("../../etc/passwd") is None
