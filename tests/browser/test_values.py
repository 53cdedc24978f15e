"""Looking at what a stage left: from the list, by keyboard, and from an edge of the
graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Lab, run_command

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
LONG = 240_000
MADE = """\
import pandas as pd
sales = pd.DataFrame({"city": ["Ulm", "Bonn"] * 20, "price": range(40)})
settings = {"depth": 3}"""


def test_values_are_looked_at(lab: Lab, open_notebook: Callable[[str], Page]) -> None:
    lab.write(
        "looked.ipynb",
        (MADE, "stage:load"),
        ("total = sales.price.sum() * settings['depth']", "stage:add"),
    )
    page = open_notebook("looked.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(page.locator(".jp-pipe-Strip")).to_contain_text("Succeeded", timeout=LONG)

    page.locator(".jp-pipe-Row", has_text="load").locator(".jp-pipe-Row-line").click()
    page.locator(".jp-pipe-Row-values").get_by_role("button", name="settings").click()
    tab = page.locator(".jp-pipe-Values:visible")
    expect(tab.locator("tbody").first).to_contain_text("'depth'", timeout=LONG)

    page.locator("#jupyter-pipe-panel .jp-pipe-Node").first.focus()
    page.keyboard.press("v")
    values = tab.get_by_role("tab")
    expect(values).to_have_text(["sales", "settings"])
    expect(values.nth(1)).to_have_attribute("aria-selected", "true")
    values.nth(0).click()
    expect(tab.locator(".jp-pipe-Values-head")).to_contain_text("Bonn", timeout=LONG)
    expect(
        tab.get_by_role("img", name="Histogram of price, 0 to 39, middle 19.5")
    ).to_be_visible()
    values.nth(0).focus()
    page.keyboard.press("ArrowRight")
    expect(values.nth(1)).to_be_focused()
    expect(tab.locator("tbody").first).to_contain_text("'depth'", timeout=LONG)
    page.keyboard.press("ArrowLeft")
    expect(tab.locator(".jp-pipe-Values-head")).to_contain_text("Bonn")
    assert violations(page, ".jp-pipe-Values") == []

    arc = page.locator(
        "#jupyter-pipe-panel .jp-pipe-Arc[data-opens=true] .jp-pipe-Arc-reach"
    ).first
    arc.dispatch_event("click")
    expect(page.locator(".lm-TabBar-tab", has_text="Values of load")).to_have_count(1)
