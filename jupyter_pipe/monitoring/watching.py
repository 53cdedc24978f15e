"""Watches a window of a request log: each version against the run that made it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from jupyter_pipe.artifacts.profile_record import Profile
from jupyter_pipe.contracts import Drift
from jupyter_pipe.monitoring.labels import Key, join, key_of
from jupyter_pipe.monitoring.model import (
    Alarm,
    Quality,
    State,
    Traffic,
    VersionWatch,
    Watched,
)
from jupyter_pipe.monitoring.statistics import LEAST_ROWS, compare, state_of
from jupyter_pipe.monitoring.window import (
    predictions_profile,
    renamed,
    rows_profile,
    traffic_of,
)
from jupyter_pipe.render.words import count
from jupyter_pipe.scoring.bundle import Manifest
from jupyter_pipe.serving.traffic.reading import LogWindow
from jupyter_pipe.serving.traffic.records import Answered

__all__ = [
    "Find",
    "Labels",
    "Limits",
    "compare_rows",
    "ignored_columns",
    "watch",
    "why_not_compared",
]

Find = Callable[[str], Manifest | None]
"""The manifest of a bundle with this digest, if it is at hand."""


@dataclass(frozen=True)
class Limits:
    """What alarms besides drift, and what does not: the columns to `ignore`. `batch`
    rows at the end of the window are judged apart as well, since a long window hides
    what began yesterday. `refused` is the share of refused requests, with at least
    five. `quality` are limits of metrics: `mae` and `bias` may not exceed theirs,
    others not fall below."""

    batch: int = 360
    refused: float = 0.01
    quality: dict[str, float] | None = None
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labels:
    """Labels with their keys, the column that held them, and keys that were predicted
    before the window."""

    column: str
    entries: Sequence[tuple[Key, object]]
    earlier: frozenset[Key] = frozenset()


_FEWEST_REFUSED = 5
# Metrics of which less is better.
_ERRORS = ("mae", "bias")
# The worst version decides for all of them.
_ORDER: tuple[State, ...] = ("fine", "unknown", "alarm")


def watch(
    name: str,
    log: LogWindow,
    span: tuple[float, float],
    find: Find,
    *,
    labels: Labels | None = None,
    limits: Limits | None = None,
) -> Watched:
    """What became of each version in the window, the newest first."""
    by_digest: dict[str, list[Answered]] = {}
    for answer in log.answers:
        if answer.digest:
            by_digest.setdefault(answer.digest, []).append(answer)
    asked = limits or Limits()
    versions = [
        _version(answers, find(digest), log.masked, labels, asked)
        for digest, answers in reversed(by_digest.items())
    ]
    state = max((_ORDER.index(each.state) for each in versions), default=1)
    return Watched(name, *span, _ORDER[state], tuple(versions))


def _version(
    answers: Sequence[Answered],
    manifest: Manifest | None,
    masked: Sequence[str],
    labels: Labels | None,
    limits: Limits,
) -> VersionWatch:
    """One version. Without its manifest only its traffic and refusals are known."""
    traffic = traffic_of(answers)
    alarms = _refusals(traffic, limits)
    found = VersionWatch(
        answers[-1].version,
        answers[-1].digest,
        "",
        state_of(None, alarms),
        traffic,
        alarms,
        missing="its bundle is not on this machine, so there is nothing to compare with",
    )
    if manifest is None:
        return found
    quality = None
    if labels is not None:
        quality = _quality(answers, manifest, labels)
        alarms += _quality_alarms(quality, limits)
    found = replace(
        found,
        run_id=manifest.run_id,
        state=state_of(None, alarms),
        alarms=alarms,
        quality=quality,
        missing=why_not_compared(manifest, traffic.rows),
    )
    return (
        found if found.missing else _compared(found, answers, manifest, masked, limits)
    )


def why_not_compared(manifest: Manifest, rows: int) -> str:
    """Why so many rows are not compared with the run of a bundle; empty if they are."""
    if manifest.profile is None or manifest.predicted is None:
        return "its bundle does not say what the rows of its run looked like; prove the notebook again"
    if rows < LEAST_ROWS:
        return f"only {count(rows, 'row')}, and at least {LEAST_ROWS} are needed"
    return ""


def _compared(
    found: VersionWatch,
    answers: Sequence[Answered],
    manifest: Manifest,
    masked: Sequence[str],
    limits: Limits,
) -> VersionWatch:
    """With the comparison of all rows, and of the newest ones where there are more than
    twice as many."""
    ignored = ignored_columns(manifest, limits)
    left_out = {*masked, *ignored}
    columns, predictions, alarms = compare_rows(answers, manifest, left_out)
    if found.traffic.rows > 2 * limits.batch:
        newest = _newest(answers, limits.batch)
        told = {(alarm.kind, alarm.column) for alarm in alarms}
        _, _, more = compare_rows(newest, manifest, left_out)
        batch = f"newest {limits.batch} rows"
        alarms += [
            replace(each, batch=batch)
            for each in more
            if (each.kind, each.column) not in told
        ]
    every = (*found.alarms, *alarms)
    state = state_of(columns, every)
    return replace(
        found,
        columns=columns,
        predictions=predictions,
        alarms=every,
        state=state,
        ignored=ignored,
    )


def ignored_columns(manifest: Manifest, limits: Limits) -> dict[str, str]:
    """The columns of the rows that say nothing of whether requests are as before, and
    why."""
    rules = manifest.contract.columns if manifest.contract else ()
    reasons = {
        **dict.fromkeys(manifest.keys, "a key"),
        **{rule.name: "a trend, says the contract" for rule in rules if rule.trend},
        **dict.fromkeys(limits.ignore, "as asked"),
    }
    return {
        column.name: reasons[column.name]
        for column in manifest.form.columns
        if column.name in reasons
    }


def compare_rows(
    answers: Sequence[Answered], manifest: Manifest, left_out: Collection[str]
) -> tuple[Drift, Drift, list[Alarm]]:
    """Drift of the rows and of the predictions, against what the model was made of, and
    what is alarming."""
    form = manifest.form
    names = (
        ()
        if form.form in ("frame", "polars")
        else tuple(column.name for column in form.columns)
    )
    before = renamed(manifest.profile or Profile(""), names)
    after = rows_profile(answers, form)
    # What a row can do without may be missing, and what the log masks or nobody asks
    # for says nothing.
    optional = {column.name for column in form.columns if column.optional}
    sent = {column.name for column in after.columns}
    needed = (
        {column.name for column in before.columns} - (optional - sent) - set(left_out)
    )
    columns, alarms = compare(manifest.rows, before, after, needed=needed)
    score = manifest.score
    made = renamed(manifest.predicted or Profile(""), (score,))
    predictions, moved = compare(
        score, made, renamed(predictions_profile(answers), (score,))
    )
    return (
        columns,
        predictions,
        [*alarms, *(replace(each, kind="predictions") for each in moved)],
    )


def _newest(answers: Sequence[Answered], rows: int) -> list[Answered]:
    """The last answers that together have at least so many rows."""
    taken: list[Answered] = []
    # From the end, since the newest are wanted.
    for answer in reversed(answers):
        if rows <= 0:
            break
        taken.append(answer)
        rows -= len(answer.predictions)
    return taken[::-1]


def _refusals(traffic: Traffic, limits: Limits) -> tuple[Alarm, ...]:
    if (
        traffic.refused < _FEWEST_REFUSED
        or traffic.refused <= limits.refused * traffic.answers
    ):
        return ()
    where, count = next(iter(traffic.refusals.items()))
    column = where.partition(": ")[0]
    text = f"{traffic.refused} of {traffic.answers} requests were refused, {count} of them for {where}."
    return (Alarm("refused", "" if column == "any column" else column, text),)


def _quality(
    answers: Sequence[Answered], manifest: Manifest, labels: Labels
) -> Quality:
    predicted = [
        (key_of(row, manifest.keys), value)
        for answer in answers
        for row, value in zip(answer.rows, answer.predictions, strict=False)
    ]
    return join(labels.column, labels.entries, predicted, labels.earlier)


def _quality_alarms(quality: Quality, limits: Limits) -> tuple[Alarm, ...]:
    alarms = []
    for name, limit in (limits.quality or {}).items():
        value = quality.metrics.get(name)
        if value is None or quality.matched < LEAST_ROWS:
            continue
        is_bad = abs(value) > limit if name in _ERRORS else value < limit
        if is_bad:
            text = f"{name} is {value:.4g}, and the limit {limit:.4g}, of {quality.matched} labels."
            alarms.append(Alarm("quality", "", text))
    return tuple(alarms)
