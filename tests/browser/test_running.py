"""Running from the notebook, in real kernels: every state is seen, also after what
breaks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Lab, go_to_notebook, make_lab, run_command

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
Open = Callable[[str], Page]
LONG = 240_000

# A stage that goes on until the test lets it: no sleep decides what is seen.
WAIT = "import pathlib, time\nwhile not pathlib.Path('{0}').exists():\n    time.sleep(0.05)\n{1}"


def contents(path: Path) -> list[tuple[str, object]]:
    """Sources and outputs, however the file splits its lines."""
    cells = json.loads(path.read_text())["cells"]
    return [("".join(cell["source"]), cell["outputs"]) for cell in cells]


def row(page: Page, state: str, stage: str) -> Locator:
    return page.locator(f'.jp-pipe-Row[aria-label^="{state}, {stage}"]')


def strip(page: Page) -> Locator:
    return page.locator(".jp-pipe-Strip")


def test_stages_go_through_their_states(lab: Lab, open_notebook: Open) -> None:
    path = lab.write(
        "states.ipynb",
        ("n = 2", "parameters"),
        (WAIT.format("states.go", "x = n * 10"), "stage:load"),
        ("best = x + 1", "stage:fit", "metric:best"),
        ("print(best)", "stage:show"),
    )
    before = contents(path)
    page = open_notebook("states.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    page.locator(".jp-pipe-Parameters input").fill("4")
    page.get_by_role("button", name="Compile and run", exact=True).last.click()
    expect(row(page, "running", "load")).to_be_visible(timeout=LONG)
    expect(row(page, "queued", "fit")).to_be_visible()
    expect(page.locator(".jp-pipe-Chip[data-stage=load]")).to_contain_text(
        "running · cell 1/1"
    )
    expect(page.locator(".jp-pipe-RunButton")).to_contain_text("Running, 0 of 3")
    (lab.folder / "states.go").touch()
    expect(strip(page)).to_contain_text("Succeeded", timeout=LONG)
    for stage in ("load", "fit", "show"):
        expect(row(page, "succeeded", stage)).to_be_visible()
    expect(page.locator(".jp-pipe-Run-note").first).to_contain_text("n=4, best 41")
    expect(page.locator("[data-pipe-says=polite]")).to_contain_text(
        "states succeeded in"
    )
    assert contents(path) == before  # a run writes nothing into its notebook
    page.get_by_role("button", name="Compile and run", exact=True).last.click()
    expect(row(page, "cached", "show")).to_be_visible(timeout=LONG)
    # The first stage again: its value is the same, so nothing else has to run.
    run_command(page, "jupyter-pipe:run-from", stage="load")
    expect(row(page, "succeeded", "load")).to_contain_text(
        re.compile(r"\d s · last .* s"), timeout=LONG
    )
    tree = page.get_by_role("tree", name="Stages")
    tree.focus()
    page.keyboard.press("End")
    page.keyboard.press(" ")
    expect(page.get_by_role("menuitem", name="Run From This Stage On")).to_be_visible()
    page.keyboard.press("Escape")
    expect(tree).to_be_focused()
    run_command(page, "jupyter-pipe:open-report")
    report = page.frame_locator(".jp-pipe-Document iframe")
    expect(report.locator("h1")).to_contain_text("states")
    expect(page.locator(".jp-pipe-Document iframe")).to_have_attribute("sandbox", "")


def test_a_failure_is_shown_beside_its_cell_and_mended(
    lab: Lab, open_notebook: Open
) -> None:
    lab.write(
        "failing.ipynb",
        ("scores = {'mae': 1}", "stage:load"),
        *[(f"# {number}",) for number in range(30)],
        ("a = 1", "stage:fit"),
        ("b = 2\nbad = scores['<b>nobody</b>']",),
        ("print(bad)", "stage:show"),
    )
    page = open_notebook("failing.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    run_command(page, "jupyter-pipe:compile-and-run")
    failure = page.locator(".jp-pipe-Failure")
    expect(failure).to_contain_text("KeyError: '<b>nobody</b>'", timeout=LONG)
    expect(failure).to_be_in_viewport()
    expect(failure).to_contain_text("fit, cell 2, line 2")
    failure.get_by_role("button", name="Full traceback").click()
    expect(failure.locator(".jp-pipe-Failure-traceback")).to_contain_text(
        "Traceback (most recent call last)"
    )
    expect(page.locator(".jp-pipe-FailedLine")).to_have_text(
        "bad = scores['<b>nobody</b>']"
    )
    expect(row(page, "skipped", "show")).to_be_visible()
    expect(page.locator(".Toastify")).to_contain_text(
        "failing failed in fit (cell 2, line 2)"
    )
    failure.get_by_role("button", name="Debug here").click()
    expect(page.locator(".jp-NotebookPanel:visible")).to_contain_text("inputs loadable")
    run_command(page, "docmanager:open", path="failing.ipynb")
    run_command(page, "jupyter-pipe:open-executed", stage="fit")
    expect(page.locator(".jp-NotebookPanel:visible")).to_contain_text("KeyError")
    run_command(page, "docmanager:open", path="failing.ipynb")
    page.locator(".jp-CodeCell.jp-mod-active .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("bad = scores['mae']")
    page.locator(".jp-pipe-Toolbar").get_by_role("button", name="Resume").click()
    expect(strip(page)).to_contain_text("Succeeded", timeout=LONG)
    expect(row(page, "cached", "load")).to_be_visible()
    expect(failure).to_have_count(0)


def test_a_run_is_cancelled(lab: Lab, open_notebook: Open) -> None:
    lab.write(
        "cancel.ipynb",
        (WAIT.format("never.go", ""), "stage:wait"),
        ("y = 1", "stage:after"),
    )
    page = open_notebook("cancel.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(row(page, "running", "wait")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Cancel run").first.click()
    expect(strip(page)).to_contain_text("Cancelled", timeout=LONG)
    expect(page.locator(".Toastify__toast")).to_have_count(0)


def test_a_run_of_the_command_line_appears_and_survives_a_reload(
    lab: Lab, open_notebook: Open
) -> None:
    lab.write(
        "outside.ipynb",
        (WAIT.format("outside.go", "x = 1"), "stage:load"),
        ("print(x)", "stage:show"),
    )
    page = open_notebook("outside.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(page.get_by_text("No runs yet.")).to_be_visible()
    command = [sys.executable, "-m", "jupyter_pipe.cli.main", "run", "outside.ipynb"]
    with subprocess.Popen(command, cwd=lab.folder, stdout=subprocess.DEVNULL) as runner:
        expect(row(page, "running", "load")).to_be_visible(timeout=LONG)
        page = open_notebook("outside.ipynb")
        run_command(page, "jupyter-pipe:show-panel")
        expect(row(page, "running", "load")).to_be_visible(timeout=LONG)
        (lab.folder / "outside.go").touch()
        expect(strip(page)).to_contain_text("Succeeded", timeout=LONG)
        assert runner.wait(60) == 0


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Lab]:
    """A server of the test's own, which it may stop."""
    (tmp_path / "work").mkdir()
    own = make_lab(tmp_path / "work", tmp_path / "state")
    own.start()
    yield own
    own.stop()


def test_a_run_survives_the_server(own_lab: Lab, page: Page) -> None:
    own_lab.write(
        "server.ipynb",
        (WAIT.format("server.go", "x = 1"), "stage:load"),
        ("print(x)", "stage:show"),
    )
    go_to_notebook(page, own_lab, "server.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(row(page, "running", "load")).to_be_visible(timeout=LONG)
    # JupyterLab's own dialog about the connection comes when it likes.
    lost = page.get_by_role("dialog", name="Server Connection Error")
    page.add_locator_handler(lost, lambda _: page.keyboard.press("Escape"))
    own_lab.stop()
    run_command(page, "jupyter-pipe:show-panel")
    page.locator(".jp-pipe-Toolbar").get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Refresh").click()
    expect(page.get_by_text("Reconnecting…").first).to_be_visible()
    (own_lab.folder / "server.go").touch()
    own_lab.start()
    go_to_notebook(page, own_lab, "server.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(strip(page)).to_contain_text("Succeeded", timeout=LONG)


def test_a_parameter_is_typed_in_the_middle(lab: Lab, open_notebook: Open) -> None:
    lab.write(
        "typed.ipynb",
        ("title = 'to day'", "parameters"),
        ("print(title)", "stage:show"),
    )
    page = open_notebook("typed.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    field = page.locator(".jp-pipe-Parameters input")
    field.focus()
    page.keyboard.press("Home")
    page.keyboard.type("back ")
    expect(field).to_have_value("back to day")
    page.get_by_role(
        "button", name=re.compile("^Use the notebook.s value of title$")
    ).click()
    expect(field).to_have_value("to day")


def test_runs_are_compared(lab: Lab, open_notebook: Open) -> None:
    lab.write(
        "compare.ipynb",
        ("n = 2", "parameters"),
        ("score = n * 10", "stage:fit", "metric:score"),
    )
    page = open_notebook("compare.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    for value in ("2", "3"):
        page.locator(".jp-pipe-Parameters input").fill(value)
        run_command(page, "jupyter-pipe:compile-and-run")
        expect(page.locator(".jp-pipe-Run").first).to_contain_text(
            f"score {value}0", timeout=LONG
        )
    for box in page.locator(".jp-pipe-Run input").all():
        box.check()
    page.get_by_role("button", name="Compare 2 runs").click()
    table = page.locator(".jp-pipe-Compare")
    expect(table).to_contain_text("baseline")
    expect(table.get_by_role("row", name="score")).to_contain_text("30")
    expect(table.get_by_role("row", name="score")).to_contain_text("▲ 50 %")


def test_notebook_7_runs_pipelines_too(lab: Lab, page: Page) -> None:
    lab.write(
        "seven.ipynb", ("seven = 7", "stage:load"), ("print(seven)", "stage:show")
    )
    go_to_notebook(page, lab, "seven.ipynb", app="notebooks")
    expect(page.locator(".jp-pipe-Chip-name")).to_have_text(["load", "show"])
    expect(page.locator(".jp-pipe-Cell")).to_have_count(2)
    bars = "cells => cells.map(cell => getComputedStyle(cell, '::after').width)"
    assert page.locator(".jp-pipe-Cell").evaluate_all(bars) == ["4px", "4px"]
    page.locator(".jp-pipe-RunButton button").first.click()
    expect(
        page.locator(".jp-pipe-Chip[data-stage=show] .jp-pipe-state")
    ).to_have_attribute("data-state", "succeeded", timeout=LONG)
