"""Every command is found in the palette, and every row leads to what can be known of
it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.browser.conftest import Lab, run_command
from tests.browser.matrix import PANEL, run_once

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
Open = Callable[[str], Page]
# These are about a cell or a stage that a row or a mark names.
NEED_A_NAME = {"assign-stage", "go-to-stage", "go-to-cell"}
LISTED = """() => [...document.querySelectorAll('.lm-CommandPalette-item')]
    .map(item => item.dataset.command).filter(id => id?.startsWith('jupyter-pipe:'))"""
IN_MENUS = {
    "Run": {
        "Compile and Run",
        "Plan…",
        "Resume Run",
        "Run Failed Stages Only",
        "Cancel Run",
    },
    "View": {"Show Pipeline Panel", "Open Report", "Open Graph in a Tab", "Operations"},
    "Help": {
        "Pipeline Shortcuts",
        "First Steps with Pipelines",
        "Documentation of Pipelines",
    },
}
KNOWN = "() => window.jupyterapp.commands.listCommands().filter(id => id.startsWith('jupyter-pipe:'))"


def test_every_command_is_in_the_palette(lab: Lab, open_notebook: Open) -> None:
    lab.write("palette.ipynb", ("x = 1", "stage:load"))
    page = open_notebook("palette.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    known = {name.partition(":")[2] for name in page.evaluate(KNOWN)}
    listed = found_in_palette(page, "pipelines", len(known - NEED_A_NAME))
    assert known - listed == NEED_A_NAME
    assert len(known) > 35


def found_in_palette(page: Page, text: str, count: int) -> set[str]:
    """Our commands that the palette finds, as soon as these are so many. It shows them
    a while after the last key, and closes when something else takes the focus, as a
    page does that still opens."""
    field = page.locator(".lm-CommandPalette-input")
    for _ in range(30):
        page.evaluate(
            "() => void window.jupyterapp.commands.execute('apputils:activate-command-palette')"
        )
        with contextlib.suppress(AssertionError, PlaywrightTimeoutError):
            expect(field).to_be_focused(timeout=4000)
            field.fill(text, timeout=4000)
            page.wait_for_function(
                f"count => ({LISTED})().length >= count", arg=count, timeout=4000
            )
            break
    return {name.partition(":")[2] for name in page.evaluate(LISTED)}


def items(page: Page, row: Locator) -> list[str]:
    """What a right click on it offers and can be chosen."""
    row.click(button="right")
    menu = page.locator(".lm-Menu")
    expect(menu).to_be_visible()
    found = menu.locator(
        ".lm-Menu-item:not(.lm-mod-disabled) .lm-Menu-itemLabel"
    ).all_inner_texts()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    return [label for label in found if label]


def test_rows_lead_to_values_report_and_operations(
    lab: Lab, open_notebook: Open
) -> None:
    lab.write(
        "rows.ipynb",
        ("x = [1]", "stage:load"),
        ("mae = x[0] * 2", "stage:fit", "metric:mae"),
    )
    page = open_notebook("rows.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    run_once(page, "Succeeded")
    run_once(page, "Succeeded")
    about_stage = {
        "Go to Cell",
        "Show Values",
        "Open Executed Notebook",
        "Open Report",
        "Operations: Data",
    }
    for row in (
        page.locator(f"{PANEL} .jp-pipe-Row").first,
        page.locator(f"{PANEL} .jp-pipe-Node").first,
    ):
        assert about_stage <= set(items(page, row))
    runs = page.locator(f"{PANEL} .jp-pipe-Run")
    about_run = {
        "Open Report",
        "Open Log",
        "Operations: Models",
        "Pin Run",
        "Name and Note…",
        "Delete Run",
    }
    assert about_run | {"Compare with the Run Before"} <= set(items(page, runs.first))
    assert about_run | {"Compare with the Latest Run"} <= set(items(page, runs.last))
    runs.last.click(button="right")
    page.get_by_role("menuitem", name="Compare with the Latest Run").click()
    heads = page.locator(".jp-pipe-Compare thead th")
    expect(heads).to_have_count(2)
    expect(heads.first).to_contain_text("baseline")
    run_command(page, "docmanager:open", path="rows.ipynb")
    page.locator(f"{PANEL} .jp-pipe-Row").first.click(button="right")
    page.get_by_role("menuitem", name="Operations: Data").click()
    expect(page.locator(".jp-pipe-Ops-page h2")).to_have_text("Data")
    run_command(page, "docmanager:open", path="rows.ipynb")


def test_menus_of_the_application_have_them(lab: Lab, open_notebook: Open) -> None:
    lab.write("menus.ipynb", ("x = 1", "stage:load"))
    page = open_notebook("menus.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(page.locator(f"{PANEL} .jp-pipe-Node")).to_have_count(1)
    for menu, wanted in IN_MENUS.items():
        page.locator("#jp-MainMenu").get_by_role(
            "menuitem", name=menu, exact=True
        ).click()
        opened = page.locator(".lm-Menu")
        expect(opened).to_be_visible()
        labels = opened.locator(".lm-Menu-itemLabel").all_inner_texts()
        page.keyboard.press("Escape")
        expect(opened).to_have_count(0)
        assert wanted <= set(labels), menu
