"""Whatever text a notebook, its names and its errors hold: pages and pictures show it
as text."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_pipe.model import Pipeline
from jupyter_pipe.render import to_svg
from jupyter_pipe.render.html import pipeline_html
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.report.report import POLICY, report_html
from jupyter_pipe.runs.report.run_html import run_html
from jupyter_pipe.runs.store import RunFolder, RunStore
from tests.cli.scripted import (
    failed_events,
    gate_events,
    home_value,
    scripted_run,
    succeeded_events,
)

HOSTILE = "\"'></title></style></script><script>alert(1)</script><img src=x onerror=alert(1)>]]>--><svg onload=x>"
# What programs read: a file with other text there is damaged, and nobody would show it.
FIXED = {"state", "event", "kind", "severity", "version", "artifact"}


class Reader(HTMLParser):
    """Notes the elements of a page and all their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str]] = {}
        self.order: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.order.append((tag, dict(attrs)))
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")


def poisoned(value: Any, key: str = "") -> Any:
    """The same record with hostile text in every place that holds text."""
    if isinstance(value, dict):
        return {name: poisoned(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner, key) for inner in value]
    return f"{value}{HOSTILE}" if isinstance(value, str) and key not in FIXED else value


def hostile_run(run: Run) -> Run:
    return msgspec.convert(poisoned(msgspec.to_builtins(run)), Run)


def hostile_pipeline() -> Pipeline:
    return msgspec.convert(poisoned(msgspec.to_builtins(home_value())), Pipeline)


RUNS = [succeeded_events, failed_events, gate_events]


@pytest.fixture(params=RUNS, ids=lambda events: events.__name__)
def run(request: pytest.FixtureRequest) -> Run:
    return scripted_run(request.param())


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunStore(tmp_path).folder("20261120-144107-7b1e")


def pages(run: Run, pipeline: Pipeline, folder: RunFolder) -> list[str]:
    return [
        report_html(run, pipeline, folder),
        run_html(run),
        pipeline_html(pipeline),
        to_svg(pipeline, {stage.name: "failed" for stage in pipeline.stages}),
    ]


def test_hostile_text_adds_no_element_and_no_attribute(
    run: Run, folder: RunFolder
) -> None:
    harmless = pages(run, home_value(), folder)
    for plain, hostile in zip(
        harmless, pages(hostile_run(run), hostile_pipeline(), folder), strict=True
    ):
        before, after = Reader(plain), Reader(hostile)
        assert after.tags <= before.tags
        assert after.attributes.keys() <= before.attributes.keys()
        assert not [name for name in after.attributes if name.startswith("on")]
        assert "alert(1)" in hostile


def test_the_policy_stands_before_everything_that_could_run(
    run: Run, folder: RunFolder
) -> None:
    order = Reader(report_html(hostile_run(run), hostile_pipeline(), folder)).order
    names = [tag for tag, _ in order]
    policy = next(
        number
        for number, (_, attributes) in enumerate(order)
        if attributes.get("content") == POLICY
    )
    assert order[policy][1]["http-equiv"] == "Content-Security-Policy"
    assert names[: policy + 1] == ["html", "head", "meta", "meta"]
    assert "default-src 'none'" in POLICY
    assert "script" not in POLICY
