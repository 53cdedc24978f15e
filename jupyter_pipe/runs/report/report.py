"""`report.html`: a run on one page that needs neither network nor script.

`write_report(folder)` reads what lies in a run's folder and replaces the report. The
page forbids scripts by its content security policy, and everything of the user's is
escaped or sanitised.
"""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe import __version__
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.events import RunState, StageState
from jupyter_pipe.model import Pipeline
from jupyter_pipe.render.marks import mark_svg
from jupyter_pipe.render.markup import Markup, joined, tag
from jupyter_pipe.render.theme import style_sheet
from jupyter_pipe.render.words import count, day_time, seconds_text
from jupyter_pipe.runs.data.profiles import read_profiles
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.report.failures import failures, warnings
from jupyter_pipe.runs.report.sections import (
    environment,
    measurements,
    pictures,
    stages,
)
from jupyter_pipe.runs.report.words import UNHAPPY, ending_word, run_headline, speed_up
from jupyter_pipe.runs.store import RunFolder, RunStore

__all__ = ["report_html", "write_report"]

STYLE = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def write_report(run_folder: Path) -> Path:
    """Write `report.html` of the run in `run_folder`. Raises RunError, OSError."""
    folder = RunFolder(run_folder)
    store = RunStore(run_folder.parents[2])
    run = store.read(folder.run_id)
    replace_file(
        folder.report,
        report_html(run, store.read_pipeline(folder.run_id), folder).encode(),
    )
    return folder.report


def report_html(run: Run, pipeline: Pipeline, folder: RunFolder) -> str:
    """The page; cells and their outputs are read from `folder`."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{run.pipeline}, {run_headline(run)}"),
        tag("style", Markup(style_sheet() + STYLE.read_text(encoding="utf-8"))),
    )
    main = tag(
        "main",
        _header(run, pipeline),
        _facts(run),
        failures(run),
        warnings(run),
        pictures(run, pipeline),
        measurements(run),
        _data(run, folder),
        stages(run, pipeline, folder),
        environment(run),
        tag("footer", _footer(pipeline)),
    )
    page = tag("html", head, tag("body", main, class_="jpipe"), lang="en")
    return f"<!doctype html>\n{page}\n"


def _data(run: Run, folder: RunFolder) -> Markup | None:
    """What is said about data needs modules that take their time to import: only where
    there is any."""
    found = [one for one in read_profiles(folder, run) if one.profile.columns]
    if not found and not any(stage.contracts for stage in run.stages):
        return None
    from jupyter_pipe.runs.report.data import data

    return data(run, found)


def _header(run: Run, pipeline: Pipeline) -> Markup:
    headline = run_headline(run)
    sentence = (
        f"{headline[0].upper()}{headline[1:]} on {day_time(run.started or run.queued)}."
    )
    links = ("Stages", "Timeline", "Metrics", "Outputs", "Environment")
    return tag(
        "header",
        Markup(mark_svg(run.state.value, size=26)),
        tag(
            "div",
            tag("h1", run.pipeline),
            tag("p", f"{sentence} {pipeline.description}".strip()),
        ),
        tag("nav", [tag("a", name, href=f"#{name.lower()}") for name in links]),
    )


def _facts(run: Run) -> Markup:
    """Counts, what caching saved, gates, speed-up."""
    facts = [*_stage_facts(run), *_gate_facts(run)]
    faster = speed_up(run)
    if faster and run.state is RunState.succeeded:
        facts.append((f"{faster:.1f}x", "faster than one after another"))
    return tag(
        "div",
        [tag("span", tag("b", number), f" {what}") for number, what in facts],
        class_="facts",
    )


def _stage_facts(run: Run) -> list[tuple[str, str]]:
    """Counts for the head of the report: stages, how many ran, came from the cache, or
    did not succeed."""
    states = [stage.state for stage in run.stages]
    facts = [_fact(len(states), "stage")]
    if StageState.succeeded in states:
        facts.append((str(states.count(StageState.succeeded)), "ran"))
    if StageState.cached in states:
        saved = sum(stage.saved_seconds for stage in run.stages)
        note = f", saved {seconds_text(saved)}" if saved else ""
        facts.append((str(states.count(StageState.cached)), f"cached{note}"))
    endings = [ending_word(stage) for stage in run.stages]
    return facts + [
        (str(endings.count(word)), word) for word in UNHAPPY if word in endings
    ]


def _gate_facts(run: Run) -> list[tuple[str, str]]:
    outcomes = [gate.passed for stage in run.stages for gate in stage.gates]
    found = []
    for passed, word in ((True, "passed"), (False, "failed")):
        if passed in outcomes:
            figure, noun = _fact(outcomes.count(passed), "gate")
            found.append((figure, f"{noun} {word}"))
    return found


def _fact(number: int, noun: str) -> tuple[str, str]:
    figure, word = count(number, noun).split()
    return figure, word


def _footer(pipeline: Pipeline) -> Markup:
    digest = pipeline.source.digest
    short = f"{digest[:4]}…{digest[-4:]}" if len(digest) > 12 else digest
    return joined(
        f"Written by jupyter_pipe {__version__}. This file needs no network. Source notebook sha256 ",
        tag("code", short),
        ".",
    )
