"""Comparison, JUnit, provenance and the words that they share."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from jupyter_pipe.events import Frame
from jupyter_pipe.render.words import amount, bytes_text, seconds_text, value_text
from jupyter_pipe.runs.compare import better_when, compare
from jupyter_pipe.runs.model import Failure
from jupyter_pipe.runs.provenance import collect_provenance, git_state
from jupyter_pipe.runs.report.junit import junit_xml
from jupyter_pipe.runs.report.words import (
    run_headline,
    speed_up,
    stage_note,
    visible_frames,
)
from tests.cli.scripted import (
    FAILURE,
    failed_events,
    gate_events,
    scripted_run,
    succeeded_events,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.004, "0.00 s"),
        (0.25, "0.2 s"),
        (8.44, "8.4 s"),
        (6.0, "6 s"),
        (54.2, "54 s"),
        (125, "2 min 5 s"),
        (7260, "2 h 1 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (21480, "21,480"),
        (0.8731, "0.873"),
        (23940.4, "23,940"),
        (True, "True"),
        ("a", "a"),
        (1e-9, "1e-09"),
        (3.0, "3"),
    ],
)
def test_values(value: float | str, text: str) -> None:
    assert value_text(value) == text


def test_sizes_and_numbers() -> None:
    assert [bytes_text(size) for size in (999, 4_200_000, 12_000_000, 3 * 10**9)] == [
        "999 B",
        "4.2 MB",
        "12 MB",
        "3.0 GB",
    ]
    assert amount(0) == "0"


def test_frames_of_comprehensions_are_left_out() -> None:
    frames = tuple(
        Frame(line=4, source="[f(x) for x in xs]", function=name)
        for name in ("<module>", "<listcomp>", "f")
    )
    failure = Failure("ValueError", "x", frames=frames)
    assert [frame.function for frame in visible_frames(failure)] == ["<module>", "f"]


def test_one_line_says_how_a_run_went() -> None:
    assert run_headline(scripted_run(succeeded_events())) == "succeeded in 54 s"
    assert (
        run_headline(scripted_run(failed_events())) == "failed in boosting after 46 s"
    )
    assert speed_up(scripted_run(succeeded_events())) == pytest.approx(84.2 / 54.2)


def test_a_note_says_why_or_where() -> None:
    run = scripted_run(failed_events())
    assert stage_note(run.stage("ingest")) == "unchanged, saves 6 s"
    assert stage_note(run.stage("boosting")) == "cell 2 of 2, line 2"
    assert stage_note(run.stage("card")) == "boosting failed"


@pytest.mark.parametrize(
    ("metric", "gates", "direction"),
    [
        ("speed", ["speed < 3"], "less"),
        ("speed", ["3 <= speed"], "more"),
        ("mae", [], "less"),
        ("mae", ["mae > 1"], "more"),
        ("best_r2", [], "more"),
        ("rows", ["speed < 3"], ""),
    ],
)
def test_the_better_direction_comes_from_gates_then_names(
    metric: str, gates: list[str], direction: str
) -> None:
    assert better_when(metric, gates) == direction


def test_runs_are_compared_with_the_first() -> None:
    good, bad = scripted_run(succeeded_events()), scripted_run(gate_events())
    found = compare([good, bad])
    best = next(line for line in found.metrics if line.name == "best_mae")
    assert best.values == (21480, 27310)
    assert best.verdicts == ("", "worse")
    assert (
        next(line for line in found.metrics if line.name == "oob_mae").values[1] is None
    )
    assert {line.name for line in found.states if line.differs} == {"evaluate", "card"}
    assert not any(line.differs for line in found.parameters)
    assert not any(line.differs for line in compare([good, good]).metrics)


def test_junit_counts_stages_and_gates() -> None:
    suite = ElementTree.fromstring(
        junit_xml(scripted_run(gate_events())).encode()
    ).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == (
        "10",
        "1",
        "1",
    )
    failure = suite.find("testcase[@name='gate: best_mae < 25000']/failure")
    assert failure is not None
    assert "27310" in (failure.get("message") or "")


def test_junit_holds_the_frames_of_the_user_and_legal_characters_only() -> None:
    events = [
        replace(e, evalue="bad \x00 \x1b") if isinstance(e, type(FAILURE)) else e
        for e in failed_events()
    ]
    root = ElementTree.fromstring(junit_xml(scripted_run(events)).encode())
    failure = root.find(".//testcase[@name='boosting']/failure")
    assert failure is not None
    assert "cell 2, line 2" in (failure.text or "")
    assert "sales.py, line 12, in drop" in (failure.text or "")


def test_provenance_tells_the_commit_and_whether_it_was_changed(tmp_path: Path) -> None:
    assert git_state(tmp_path / "none") == {}
    (tmp_path / "a.txt").write_text("1")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "a.txt"],
        [*identity, "commit", "-qm", "one"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    clean = git_state(tmp_path)
    assert clean["branch"] == "main"
    assert not clean["dirty"]
    (tmp_path / "a.txt").write_text("2")
    assert git_state(tmp_path) == {**clean, "dirty": True}


def test_provenance_is_what_is_known_and_nothing_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "hunter2")
    known = collect_provenance(
        tmp_path / "a.ipynb", distributions={"b": "2", "a": "1"}, python="3.12.1"
    )
    assert known["python"] == "3.12.1"
    assert list(known["distributions"]) == ["a", "b"]
    assert "hunter2" not in str(known)
