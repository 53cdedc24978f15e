from __future__ import annotations

import io
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from jupyter_pipe.cli.output.github import (
    failure_annotations,
    job_summary,
    write_github,
)
from jupyter_pipe.cli.output.live import LiveTable, table
from jupyter_pipe.cli.output.progress import PlainLines, progress_on
from jupyter_pipe.cli.output.summary import run_json, summary
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import Event, InputChanged, StageRetrying, StageStarted
from jupyter_pipe.runs.fold import fold
from tests.cli.scripted import (
    FAILURE,
    START,
    failed_events,
    gate_events,
    home_value,
    scripted_run,
    succeeded_events,
)

NOW = START + 20


def lines(
    events: list[Event], verbosity: int = 0, stage: str | None = None
) -> list[str]:
    out = io.StringIO()
    show = PlainLines(Terminal(out, verbosity=verbosity), stage=stage)
    for event in events:
        show(event)
    return [line[10:] for line in out.getvalue().splitlines()]


def drawn(events: list[Event], *, width: int, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(table(fold(events), width=width, height=height, now=NOW))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip("\n").split("\n")


def test_plain_lines_are_one_a_transition() -> None:
    shown = lines(failed_events())
    assert shown[0] == "home_value, 8 stages, run 20261120-144107-7b1e"
    assert "ingest    cached: unchanged, saves 6 s" in shown
    assert (
        "boosting  failed: KeyError: \"['price'] not found in axis\" (cell 2, line 2)"
        in shown
    )
    assert "card      skipped: boosting failed" in shown
    assert (
        sum("forest" in line for line in shown) == 3
    )  # started, succeeded, and the warning


def test_verbose_lines_add_cells_and_metrics_and_quiet_ones_nothing() -> None:
    assert "forest    cell 1/2" in lines(succeeded_events(), verbosity=1)
    assert "evaluate  metric best_mae = 21,480" in lines(
        succeeded_events(), verbosity=1
    )
    assert lines(succeeded_events(), verbosity=-1) == []


def test_lines_of_one_stage_leave_the_others_out() -> None:
    assert {
        line.split()[0] for line in lines(succeeded_events(), stage="ridge")[1:]
    } == {"ridge"}


def test_what_happens_on_the_way_is_told() -> None:
    shown = lines(
        [
            StageStarted(stage="a", attempt=2, time=NOW),
            StageRetrying(
                stage="a",
                attempt=2,
                delay_seconds=4,
                reason="TimeoutError: x\nmore",
                time=NOW,
            ),
            InputChanged(stage="b", from_stage="a", names=("df",), time=NOW),
        ]
    )
    assert shown == [
        "a         started, attempt 2",
        "a         tries again in 4 s: TimeoutError: x",
        "b         changed df of a; stages that used it run again",
    ]


@pytest.mark.parametrize("width", [30, 46, 80, 160])
def test_the_live_table_fits_every_width(width: int) -> None:
    going_on = [event for event in failed_events() if event.time <= NOW]
    shown = drawn(going_on, width=width)
    assert len(shown) == 9
    assert all(len(line) <= width for line in shown)
    assert "4 of 8" in shown[0]
    assert any("boosting" in line and "cell 2" in line for line in shown)


def test_the_live_table_keeps_what_matters_when_the_window_is_low() -> None:
    shown = drawn(failed_events(), width=80, height=8)
    assert len(shown) <= 8
    assert any("boosting" in line and "failed" in line for line in shown)
    assert shown[-1].strip().startswith("and ")


def test_the_live_table_starts_with_the_first_stage_and_goes_with_the_run() -> None:
    out = io.StringIO()
    live = LiveTable(Terminal(out, live=True, colour=False, width=80))
    for event in succeeded_events():
        live(event)
    live.close()
    assert "ingest" in out.getvalue()


@pytest.mark.parametrize(
    ("terminal", "expected"),
    [
        (Terminal(io.StringIO()), PlainLines),
        (Terminal(io.StringIO(), live=True), LiveTable),
        (Terminal(io.StringIO(), live=True, verbosity=1), PlainLines),
    ],
)
def test_lines_where_there_is_no_terminal_or_more_is_wanted(
    terminal: Terminal, expected: type
) -> None:
    with progress_on(terminal) as progress:
        assert isinstance(progress, expected)


def test_the_summary_ends_with_where_things_are_and_how_to_go_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "report.html").touch()
    text = summary(
        Terminal(io.StringIO()),
        scripted_run(failed_events()),
        tmp_path,
        command="jupyter pipe resume 7b1e",
    )
    assert text.endswith("  continue   jupyter pipe resume 7b1e")
    assert "report.html" in text
    assert "      12 | return y.drop(columns=['price'])" in text


def test_a_failed_gate_names_expression_and_values_once_in_its_block() -> None:
    text = summary(Terminal(io.StringIO()), scripted_run(gate_events()), Path("none"))
    assert (
        "evaluate gate failed\n  best_mae < 25000 (best_mae = 27310)"
        in text.replace("! ", "").replace("⊖ ", "")
    )
    assert "continue" not in text


def test_ascii_terminals_get_ascii_marks_and_colour_only_where_it_shows() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    summary(
        Terminal(out), scripted_run(failed_events()), Path("none"), with_stages=True
    ).encode("ascii")
    assert "\x1b[31m" in summary(
        Terminal(out, colour=True), scripted_run(failed_events()), Path("none")
    )


@pytest.mark.parametrize(
    ("variables", "colour"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_follows_the_environment(
    variables: dict[str, str], colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Terminal(io.StringIO()).colour is colour


def test_the_json_line_is_as_documented(tmp_path: Path) -> None:
    import json

    found = json.loads(run_json(scripted_run(failed_events()), tmp_path))
    assert set(found) == {"run_id", "state", "run_dir", "stages"}
    assert set(found["stages"][0]) == {
        "name",
        "state",
        "reason",
        "seconds",
        "attempts",
        "notebook",
    }
    assert found["state"] == "failed"


def test_github_gets_annotations_and_a_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    out = io.StringIO()
    write_github(Terminal(out), scripted_run(failed_events()), home_value())
    error, warning = out.getvalue().splitlines()
    assert error.startswith(
        "::error file=home_value.ipynb,title=boosting failed%2C cell 2 of 2%2C line 2::KeyError"
    )
    assert warning.startswith("::warning file=home_value.ipynb,title=PIPE301::")
    text = (tmp_path / "summary.md").read_text()
    assert "| boosting | failed | 12 s | cell 2 of 2, line 2 |" in text
    assert "```mermaid" in text


def test_the_job_summary_escapes_what_the_notebook_says() -> None:
    evil = "a|b\n<script>`x`"
    events = [
        replace(e, evalue=evil) if isinstance(e, type(FAILURE)) else e
        for e in failed_events()
    ]
    run = replace(scripted_run(events), pipeline=evil)
    assert "<script>" not in job_summary(run, home_value())
    assert all("\n" not in line for line in failure_annotations(run))
