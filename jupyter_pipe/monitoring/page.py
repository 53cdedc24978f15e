"""The report of monitoring: a page in the style of the run report, without network or
script."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from jupyter_pipe.monitoring.model import Quality, State, Traffic, VersionWatch, Watched
from jupyter_pipe.render.markup import Markup, joined, tag
from jupyter_pipe.render.words import count
from jupyter_pipe.runs.report.data import data_page, drift_section

__all__ = ["watched_html"]

# Classes of the style sheet that all pages share (`render.theme`).
_TONES = {"fine": "jpipe-good", "alarm": "jpipe-bad", "unknown": "jpipe-warn"}
_WORDS: dict[State, str] = {
    "fine": "as in the run that made the model",
    "alarm": "not as in the run that made the model",
    "unknown": "unknown: too little to judge",
}


def watched_html(watched: Watched) -> str:
    """The whole page."""
    said = (
        f"From {_day(watched.since)} to {_day(watched.until)}: {_WORDS[watched.state]}."
    )
    sections = [_version(version) for version in watched.versions]
    if not sections:
        sections = [tag("p", "Nothing was answered in this time.", class_="quiet")]
    return data_page(f"What {watched.name} was asked", said, sections)


def _day(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M")


def _version(version: VersionWatch) -> Markup:
    state = tag("span", version.state, class_=_TONES[version.state])
    title = tag("h2", f"Version {version.version}: ", state)
    about = tag("p", _told(version.traffic), class_="quiet")
    missing = tag("p", f"Not compared: {version.missing}.") if version.missing else None
    alarms = tag(
        "ul",
        [tag("li", f"{_of(each.batch)}{each.message}") for each in version.alarms],
        class_="problems",
    )
    return tag(
        "section",
        title,
        about,
        alarms if version.alarms else None,
        missing,
        _quality(version.quality),
        _refusals(version.traffic),
        [
            drift_section(drift)
            for drift in filter(None, (version.predictions, version.columns))
        ],
    )


def _of(batch: str) -> str:
    return "" if batch == "all rows" else f"{batch}: "


def _told(traffic: Traffic) -> str:
    refused = (
        f", {count(traffic.refused, 'request')} refused" if traffic.refused else ""
    )
    return f"{count(traffic.answers, 'answer')} with {count(traffic.rows, 'predicted row')}{refused}."


def _quality(quality: Quality | None) -> Markup | None:
    if quality is None:
        return None
    rows = [*_metric_rows(quality), *_label_rows(quality)]
    body = [tag("tr", tag("td", name), tag("td", value)) for name, value in rows]
    return joined(
        tag("h3", f"Against {quality.label}"),
        tag("table", tag("tbody", body), class_="facts-table"),
    )


def _metric_rows(quality: Quality) -> Iterator[tuple[str, str]]:
    for name, value in quality.metrics.items():
        yield name.replace("_", " "), f"{value:,.4g}"


def _label_rows(quality: Quality) -> Iterator[tuple[str, str]]:
    yield "predictions with a label", f"{quality.matched:,}"
    figures = {
        "predictions that wait for one": quality.waiting,
        "labels of earlier predictions": quality.late,
        "labels of no prediction": quality.unknown,
        "labels that came twice": quality.double,
        "keys that were asked again": quality.repeated,
    }
    for name, value in figures.items():
        if value:
            yield name, f"{value:,}"


def _refusals(traffic: Traffic) -> Markup | None:
    if not traffic.refusals:
        return None
    rows = [
        tag("tr", tag("td", name), tag("td", f"{number:,}"))
        for name, number in traffic.refusals.items()
    ]
    head = tag("thead", tag("tr", tag("th", "Column and rule"), tag("th", "Requests")))
    return joined(
        tag("h3", "Refused"),
        tag("table", head, tag("tbody", rows), class_="facts-table"),
    )
