"""One notebook in two tabs of the browser: both see the run, either can end it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab, go_to_notebook, run_command
from tests.browser.test_running import LONG, WAIT, row, strip

pytestmark = [pytest.mark.browser, pytest.mark.kernel]


def open_tab(lab: Lab, page: Page, path: str) -> Page:
    go_to_notebook(page, lab, path)
    run_command(page, "jupyter-pipe:show-panel")
    return page


def test_two_tabs_see_one_run(lab: Lab, page: Page) -> None:
    lab.write(
        "tabs.ipynb",
        (WAIT.format("tabs.go", "x = 1"), "stage:load"),
        ("print(x)", "stage:show"),
    )
    here = open_tab(lab, page, "tabs.ipynb")
    there = open_tab(lab, page.context.new_page(), "tabs.ipynb")
    run_command(here, "jupyter-pipe:compile-and-run")
    for tab in (here, there):
        expect(row(tab, "running", "load")).to_be_visible(timeout=LONG)
    there.get_by_role("button", name="Cancel run").first.click()
    for tab in (here, there):
        expect(strip(tab)).to_contain_text("Cancelled", timeout=LONG)
    (lab.folder / "tabs.go").touch()
    run_command(here, "jupyter-pipe:resume")
    for tab in (here, there):
        expect(strip(tab)).to_contain_text("Succeeded", timeout=LONG)
        expect(tab.locator(".jp-pipe-Run")).to_have_count(2)


def test_tags_of_another_tab_are_seen_once_loaded(lab: Lab, page: Page) -> None:
    lab.write("tabs_tags.ipynb", ("x = 1", "stage:load"), ("print(x)",))
    here = open_tab(lab, page, "tabs_tags.ipynb")
    there = open_tab(lab, page.context.new_page(), "tabs_tags.ipynb")
    expect(there.locator(".jp-pipe-Chip-name")).to_have_text(["load"])
    run_command(here, "jupyter-pipe:assign-stage", stage="ingest")
    run_command(here, "docmanager:save")
    there.evaluate("window.jupyterapp.shell.currentWidget.context.revert()")
    expect(there.locator(".jp-pipe-Chip-name")).to_have_text(["ingest"])
    expect(there.locator(".jp-pipe-Row")).to_contain_text(["ingest"])
