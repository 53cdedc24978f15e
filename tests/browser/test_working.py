"""A working day in one page: problems in the editor, what is stale, a run's output as
it comes, history."""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Lab, run_command
from tests.browser.test_running import LONG, WAIT, row, strip

pytestmark = [pytest.mark.browser]
Open = Callable[[str], Page]
PANEL = "#jupyter-pipe-panel"


def edit(page: Page, cell: int, source: str) -> None:
    """Change a cell as the user would, through the notebook's own model; nothing is
    saved."""
    page.evaluate(
        """([index, source]) => window.jupyterapp.shell.currentWidget.content.widgets[index]
            .model.sharedModel.setSource(source)""",
        [cell, source],
    )


def hover_problem(page: Page, cell: Locator) -> Locator:
    """What is said at the mark in a cell. It goes when marks are drawn anew: then the
    pointer comes again."""
    said = page.locator(".cm-tooltip-lint")
    for _ in range(10):
        page.mouse.move(0, 0)
        cell.locator(".cm-lintRange").first.hover()
        with contextlib.suppress(AssertionError):
            expect(said).to_be_visible(timeout=5000)
            break
    return said


def test_a_problem_is_marked_where_it_is_and_cured_there(
    lab: Lab, open_notebook: Open
) -> None:
    path = lab.write(
        "marked.ipynb",
        ("x_train = 1", "stgae:load"),
        ("y = 1\nprint(x_trian)", "stage:show"),
    )
    page = open_notebook("marked.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    cells = page.locator(".jp-CodeCell")
    mark = cells.nth(1).locator(".cm-lintRange-error")
    expect(mark).to_have_text("x_trian")
    expect(cells.nth(1).locator(".cm-lint-marker-error")).to_have_count(1)
    expect(
        page.locator(f"{PANEL} .jp-pipe-Problem", has_text="x_trian")
    ).to_contain_text("show, line 2")
    # The cure of a tag stands in the editor, too, and leaves when it is done.
    hover_problem(page, cells.nth(0)).get_by_role(
        "button", name=re.compile("stage:load")
    ).click()
    expect(page.locator(".jp-pipe-Chip-name").first).to_have_text("load")
    expect(cells.nth(0).locator(".cm-lintRange")).to_have_count(0)
    edit(page, 1, "y = 1\nprint(x_train)")
    expect(page.locator(".cm-lintRange-error")).to_have_count(0)
    run_command(page, "docmanager:save")
    assert json.loads(path.read_text())["cells"][0]["metadata"]["tags"] == [
        "stage:load"
    ]


@pytest.mark.kernel
def test_a_working_day(lab: Lab, open_notebook: Open, tmp_path: Path) -> None:
    lab.write(
        "day.ipynb",
        ("n = 1", "parameters"),
        ("x = n * 2", "stage:load"),
        ("mae = x + 1", "stage:fit", "metric:mae"),
        ("assert mae < 6, 'too much'", "stage:check"),
    )
    page = open_notebook("day.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    see_first_steps_once(page)
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(strip(page)).to_contain_text("Succeeded", timeout=LONG)
    see_what_is_stale_before_saving(page)
    run_only_what_failed(page)
    name_and_pin(page)
    compare(page, tmp_path / "runs.csv")
    see_shortcuts(page)
    run_command(page, "docmanager:open", path="day.ipynb")
    follow_output(page, lab.folder / "day.go")


def see_first_steps_once(page: Page) -> None:
    steps = page.get_by_role("region", name="First steps")
    expect(steps.locator("[aria-current=step]")).to_contain_text("Compile and run")
    steps.get_by_role("button", name="Skip").click()
    expect(steps).to_have_count(0)


def see_what_is_stale_before_saving(page: Page) -> None:
    """Stale at once, and not any more when the edit is taken back."""
    edit(page, 2, "mae = x + 2")
    expect(row(page, "stale", "fit")).to_be_visible(timeout=LONG)
    expect(strip(page)).to_contain_text("stale")
    edit(page, 2, "mae = x + 1  # a comment changes nothing")
    expect(row(page, "succeeded", "fit")).to_be_visible(timeout=LONG)
    expect(strip(page)).not_to_contain_text("stale")


def run_only_what_failed(page: Page) -> None:
    edit(page, 2, "mae = x * 10")
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(strip(page)).to_contain_text("Failed in check", timeout=LONG)
    edit(page, 2, "mae = x * 11")
    expect(row(page, "stale", "fit")).to_be_visible(timeout=LONG)
    expect(
        row(page, "failed", "check")
    ).to_be_visible()  # which has no result to be out of date
    edit(page, 2, "mae = x * 10")
    expect(row(page, "succeeded", "fit")).to_be_visible(timeout=LONG)
    edit(page, 3, "assert mae < 60, 'too much'")
    strip(page).get_by_role("button", name="Run failed only").click()
    expect(strip(page)).to_contain_text("Succeeded", timeout=LONG)
    expect(page.locator(".jp-pipe-Run")).to_have_count(3)


def name_and_pin(page: Page) -> None:
    page.locator(".jp-pipe-Run").last.click(button="right")
    page.get_by_role("menuitem", name="Name and Note…").click()
    page.locator(".jp-Dialog").get_by_label("Name").fill("the good one")
    page.locator(".jp-Dialog").get_by_label("Note").fill("before the change")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    named = page.locator(".jp-pipe-Run", has_text="the good one")
    expect(named.locator(".jp-pipe-Run-when")).to_have_attribute(
        "title", re.compile("before the change")
    )
    named.click(button="right")
    page.get_by_role("menuitem", name="Pin Run").click()
    expect(page.locator(".jp-pipe-Run").first).to_contain_text("the good one")
    expect(
        page.locator(".jp-pipe-Run").first.get_by_role("img", name="Pinned")
    ).to_be_visible()


def compare(page: Page, saved: Path) -> None:
    """Code, a metric over runs, runs that come and go, a file for spreadsheets."""
    for index in (0, 1):
        page.locator(".jp-pipe-Run").nth(index).hover()
        page.locator(".jp-pipe-Run input").nth(index).check()
    page.get_by_role("button", name="Compare 2 runs").click()
    compared = page.locator(".jp-pipe-Compare")
    expect(compared.get_by_label("Changes in fit")).to_contain_text("+ mae = x * 10")
    expect(
        compared.get_by_role("img", name=re.compile("^mae in [23] runs, 3 to 20"))
    ).to_be_visible()
    compared.get_by_label("Add a run to the comparison").select_option(index=1)
    expect(compared.locator("thead th")).to_have_count(3)
    with page.expect_download() as saving:
        compared.get_by_role("button", name="Export as CSV").click()
    saving.value.save_as(saved)
    with saved.open(newline="") as file:
        lines = list(csv.reader(file))
    assert "metric" in [line[0] for line in lines if line[1] == "mae"]
    assert len(lines[0]) == 5
    compared.get_by_role(
        "button", name="Remove this run from the comparison"
    ).first.click()
    expect(compared.locator("thead th")).to_have_count(2)


def see_shortcuts(page: Page) -> None:
    """The command ends when its card is closed, so nobody waits for it."""
    page.evaluate("() => void window.jupyterapp.commands.execute('jupyter-pipe:help')")
    card = page.get_by_role("table", name="Shortcuts")
    expect(card).to_contain_text("Put into Stage…")
    expect(card).to_contain_text("Alt+P")
    page.locator(".jp-Dialog").get_by_role("button", name="Close").click()
    expect(card).to_have_count(0)


def follow_output(page: Page, go: Path) -> None:
    """What a stage prints arrives while it runs."""
    edit(
        page, 1, f"print('epoch one', flush=True)\n{WAIT.format(go.name, 'x = n * 2')}"
    )
    run_command(page, "jupyter-pipe:follow-output")
    run_command(page, "jupyter-pipe:compile-and-run")
    live = page.get_by_role("log", name="Output of the stage")
    expect(live).to_contain_text("epoch one", timeout=LONG)
    expect(row(page, "running", "load")).to_be_visible()
    go.touch()
    expect(strip(page)).to_contain_text("Succeeded", timeout=LONG)
