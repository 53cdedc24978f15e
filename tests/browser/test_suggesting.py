"""Stages that are suggested: seen first, bent, and tagged in one step that can be
undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab, run_command

pytestmark = pytest.mark.browser
Open = Callable[[str], Page]

CELLS = (
    ("import csv",),
    ("limit = 3",),
    ("rows = [[1, 2], [3, 4]]\nprint(len(rows))", "mine"),
    ("wide = [row for row in rows if len(row) > 1]",),
    ("total = sum(map(sum, wide))",),
    ("print(total)",),
)
HEADINGS = {2: "## Load", 3: "## Clean", 4: "## Sum up"}


def tags_of(path: Path) -> list[list[str]]:
    cells = json.loads(path.read_text())["cells"]
    return [
        cell["metadata"].get("tags", [])
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def suggest(page: Page) -> None:
    run_command(page, "jupyter-pipe:show-panel")
    expect(page.get_by_text("No stages yet.")).to_be_visible()
    page.locator(".jp-pipe-Section").get_by_role(
        "button", name="Suggest stages"
    ).click()
    expect(page.get_by_role("list", name="Suggested stages")).to_be_visible()


def test_a_suggestion_is_seen_bent_accepted_and_undone(
    lab: Lab, open_notebook: Open
) -> None:
    path = lab.write("suggest.ipynb", *CELLS, markdown=HEADINGS)
    before = tags_of(path)
    page = open_notebook("suggest.ipynb")
    suggest(page)
    names = page.locator(".jp-pipe-Suggested-name input")
    expect(names).to_have_count(3)
    proposed = [name.input_value() for name in names.all()]
    expect(page.locator(".jp-pipe-Chip[data-pipe-suggested=true]")).not_to_have_count(0)
    run_command(page, "docmanager:save")
    assert tags_of(path) == before  # nothing is tagged yet
    names.nth(1).fill(proposed[0])
    expect(page.get_by_role("alert")).to_have_text("Another stage has this name.")
    names.nth(1).fill("tidy-up")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-pipe-Chip[data-stage=tidy_up]")).to_be_visible()
    page.get_by_role("button", name=f"Cells of {proposed[2]}").click()
    page.get_by_role("button", name="Move to tidy_up").click()
    skip = page.get_by_role("button", name="Leave out (skip)")
    expect(skip).to_have_count(1)
    skip.click()
    page.get_by_role("button", name="Accept 2 stages").click()
    expect(page.locator(".jp-pipe-Row")).to_have_count(2)
    run_command(page, "docmanager:save")
    stages = [
        next((tag for tag in tags if tag.startswith("stage:")), "")
        for tags in tags_of(path)
    ]
    assert stages[2:] == [f"stage:{proposed[0]}", "stage:tidy_up", "stage:tidy_up", ""]
    assert tags_of(path)[5] == ["skip"]
    assert "mine" in tags_of(path)[2]
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("No stages yet.")).to_be_visible()
    run_command(page, "docmanager:save")
    assert tags_of(path) == before


# What is typed as the name of a stage beside one called load, and what is said; nothing
# where it is a name.
NAMES = {
    "tidy-up": "",
    "9 lives": "A name has letters, digits and underscores and does not start with a digit.",
    "lambda": "This is a keyword of Python.",
    "__init__": "Python gives this name a meaning of its own.",
    "shared": "The compiled package has a module of this name.",
    "LOAD": "Another stage has this name.",
}


def test_a_name_is_judged_alike_wherever_it_is_typed(
    lab: Lab, open_notebook: Open
) -> None:
    lab.write("names.ipynb", *CELLS, markdown=HEADINGS)
    page = open_notebook("names.ipynb")
    suggest(page)
    field = page.get_by_role("textbox", name="Name of stage clean")
    for name, problem in NAMES.items():
        field.fill(name)
        expect(field).to_have_attribute("aria-invalid", "true" if problem else "false")
        expect(page.locator(".jp-pipe-Suggested-name [role=alert]")).to_have_text(
            [problem] if problem else []
        )
    field.fill("clean")
    page.get_by_role("button", name="Accept 3 stages").click()

    chip = page.locator(".jp-pipe-Chip[data-stage=clean]")
    chip.click()
    typed = page.get_by_role("combobox", name="Find or name a stage")
    for name, problem in NAMES.items():
        typed.fill(name)
        new = page.get_by_role("option", name="New stage “")
        expect(new).to_have_count(0 if problem else 1)
        if name == "LOAD":  # here a name that is taken finds the stage that has it
            expect(page.locator(".jp-pipe-Picker [role=option]")).to_have_text(
                ["load1 cell"]
            )
        elif problem:
            expect(page.locator(".jp-pipe-Picker [role=alert]")).to_have_text(problem)
    page.keyboard.press("Escape")

    chip.click()
    page.get_by_role("option", name="Rename stage…").click()
    asked = page.locator(".jp-Dialog")
    for name, problem in NAMES.items():
        if problem:
            asked.locator("input").fill(name)
            asked.locator(".jp-mod-accept").click()
            expect(asked).to_contain_text(problem)
    asked.locator("input").fill("tidy-up")
    asked.locator(".jp-mod-accept").click()
    expect(page.locator(".jp-pipe-Chip[data-stage=tidy_up]")).to_be_visible()


def test_a_discarded_suggestion_leaves_no_trace(lab: Lab, open_notebook: Open) -> None:
    path = lab.write("discard.ipynb", *CELLS, markdown=HEADINGS)
    page = open_notebook("discard.ipynb")
    suggest(page)
    page.get_by_role("checkbox").nth(1).uncheck()
    expect(page.get_by_role("button", name="Accept 2 stages")).to_be_visible()
    page.locator(".jp-pipe-Suggested-name input").first.focus()
    page.keyboard.press("Escape")
    expect(page.get_by_text("No stages yet.")).to_be_visible()
    expect(page.locator(".jp-pipe-Chip")).to_have_count(0)
    run_command(page, "docmanager:save")
    assert tags_of(path) == [list(tags) for _, *tags in CELLS]
