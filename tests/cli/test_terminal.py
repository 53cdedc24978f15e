"""What reaches a terminal, a pipe and GitHub's log, whoever wrote it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jupyter_pipe.cli.output.errors import annotation
from jupyter_pipe.cli.output.live import table
from jupyter_pipe.cli.output.progress import PlainLines
from jupyter_pipe.cli.output.summary import summary
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.events import StageFailed, WarningRaised
from tests.cli.scripted import failed_events, scripted_run

CONTROLS = "\x1b]0;t\x07\x1b[2J\x1b[8mhidden\rover\b\x00\x9b31m\u202e"
PERMITTED = {"\n", "\t"}


def is_safe(text: str) -> bool:
    return all(letter.isprintable() or letter in PERMITTED for letter in text)


def hostile_events() -> list[Any]:
    """A run that fails, told with controls wherever text is free."""
    found: list[Any] = []
    for event in failed_events():
        if isinstance(event, StageFailed):
            found.append(
                replace(
                    event,
                    ename=f"E{CONTROLS}",
                    evalue=f"{CONTROLS}\n{CONTROLS}",
                    hint=CONTROLS,
                )
            )
        else:
            found.append(event)
    return [
        *found[:-1],
        WarningRaised(stage=None, code="c", message=CONTROLS),
        found[-1],
    ]


@pytest.mark.parametrize("method", ["result", "say"])
def test_everything_that_is_printed_is_made_safe(method: str) -> None:
    out = io.StringIO()
    getattr(Terminal(out, colour=False), method)(f"a{CONTROLS}b")
    assert is_safe(out.getvalue())
    assert out.getvalue().startswith("ahidden\u240dover")


def test_our_own_colours_stay_where_colours_show() -> None:
    out = io.StringIO()
    terminal = Terminal(out, colour=True)
    terminal.result(terminal.style("red", "bad") + CONTROLS)
    assert out.getvalue().startswith("\x1b[31mred\x1b[0m")
    assert out.getvalue().count("\x1b") == 2


def test_a_run_is_told_without_controls() -> None:
    out = io.StringIO()
    terminal = Terminal(out, colour=False)
    show = PlainLines(terminal)
    for event in hostile_events():
        show(event)
    terminal.result(
        summary(
            terminal, scripted_run(hostile_events()), Path("none"), with_stages=True
        )
    )
    assert is_safe(out.getvalue())


def test_the_live_table_shows_names_and_notes_without_controls() -> None:
    from rich.console import Console

    run = scripted_run(hostile_events())
    run = replace(
        run,
        pipeline=CONTROLS,
        stages=tuple(replace(s, reason=CONTROLS) for s in run.stages),
    )
    out = io.StringIO()
    Console(file=out, width=120).print(table(run, width=120, height=40, now=0.0))
    assert is_safe(out.getvalue())


def test_cells_of_tables_have_one_line() -> None:
    made = Terminal(io.StringIO(), colour=False).table([["a\nb", "c"], [CONTROLS, "d"]])
    assert len(made.splitlines()) == 2
    assert is_safe(made)


def test_json_stays_exact_and_cannot_act() -> None:
    out = io.StringIO()
    given = {"a": f"{CONTROLS} é 漢"}
    Terminal(out).record(json.dumps(given, ensure_ascii=False).encode())
    assert json.loads(out.getvalue()) == given
    assert is_safe(out.getvalue())


@pytest.mark.parametrize(
    "line", ["::set-env name=A::b", "  ::error::x", "\t::add-path::y", "x ##[command]z"]
)
def test_github_takes_nothing_of_the_users_for_a_command(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    out = io.StringIO()
    terminal = Terminal(out, colour=False)
    terminal.result(f"first\n{line}")
    shown = out.getvalue().splitlines()[1]
    assert not shown.strip().startswith("::")
    assert "##[" not in shown
    terminal.command("::error::ours")
    assert out.getvalue().endswith("\n::error::ours\n")


def test_annotations_are_one_line_without_controls() -> None:
    made = annotation(
        "error", f"n{CONTROLS}.ipynb", f"t\n::x::{CONTROLS}", f"m\n::error::{CONTROLS}"
    )
    assert len(made.splitlines()) == 1
    assert is_safe(made)
    assert made.count("::") == 4
