"""Five things that everybody does, counted in clicks. Typing into what the last click
has focused is none."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Lab, run_command

pytestmark = pytest.mark.browser
Open = Callable[[str], Page]
LONG = 120_000
CELLS = (
    ("import math",),
    ("rows = [math.sqrt(n) for n in range(9)]\nprint(len(rows))",),
    ("total = sum(rows)\nassert total > 100, 'too small'",),
)
HEADINGS = {1: "## Load", 2: "## Sum up"}


class Clicks:
    """Clicks like a user, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def on(self, target: Locator) -> None:
        target.click()
        self.count += 1

    def taken(self) -> int:
        """How many there were since the last time."""
        count, self.count = self.count, 0
        return count


# Before 4.5, notebooks are saved without ids of their cells.
@pytest.mark.parametrize("minor", [5, 4])
def test_five_tasks_take_few_clicks(minor: int, lab: Lab, open_notebook: Open) -> None:
    path = lab.write(f"clicks_{minor}.ipynb", *CELLS, markdown=HEADINGS)
    notebook = {**json.loads(path.read_text()), "nbformat_minor": minor}
    if minor < 5:
        notebook["cells"] = [
            {k: v for k, v in cell.items() if k != "id"} for cell in notebook["cells"]
        ]
    path.write_text(json.dumps(notebook))
    page = open_notebook(path.name)
    run_command(page, "jupyter-pipe:show-panel")  # as Lab remembers it
    clicks = Clicks()
    section = page.locator(".jp-pipe-Section")
    strip = page.locator(".jp-pipe-Strip")

    # Tag and run.
    clicks.on(section.get_by_role("button", name="Suggest stages"))
    clicks.on(page.get_by_role("button", name="Accept 2 stages"))
    clicks.on(
        page.locator(".jp-pipe-Panel, #jupyter-pipe-panel")
        .get_by_role("button", name="Compile and run")
        .first
    )
    expect(strip).to_contain_text("Failed", timeout=LONG)
    assert clicks.taken() <= 4

    # Find why it failed.
    clicks.on(strip.get_by_role("button", name="Go to cell"))
    expect(page.locator(".jp-pipe-Failure")).to_contain_text("too small")
    expect(page.locator(".jp-Cell.jp-mod-active .cm-content")).to_be_focused()
    assert clicks.taken() <= 1

    # Fix it, where the cursor is, and go on.
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("total = sum(rows)\nassert total > 10")
    clicks.on(page.locator(".jp-pipe-Failure").get_by_role("button", name="Resume"))
    expect(strip).to_contain_text("Succeeded", timeout=LONG)
    assert clicks.taken() <= 2

    # Compare the two runs.
    clicks.on(page.locator(".jp-pipe-Run input").nth(1))
    clicks.on(page.get_by_role("button", name="Compare with the latest"))
    expect(page.locator(".jp-pipe-Compare")).to_contain_text("assert total > 10")
    assert clicks.taken() <= 2

    # Open the report.
    clicks.on(strip.get_by_role("button", name="Open report"))
    expect(page.locator(".jp-pipe-Report, iframe").last).to_be_visible()
    assert clicks.taken() <= 1
