"""The panel without a mouse: every way that a pointer has, a key has too, and the focus
is never lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab, activate_cell, run_command

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
LONG = 240_000
PANEL = "#jupyter-pipe-panel"
FOCUSED_STAGE = "() => document.activeElement?.dataset?.stage ?? ''"


def test_the_panel_is_driven_by_keys(
    lab: Lab, open_notebook: Callable[[str], Page]
) -> None:
    lab.write(
        "keys.ipynb",
        ("a = 1", "stage:load"),
        ("b = a + 1", "stage:fit"),
        ("print(b)", "stage:show"),
    )
    page = open_notebook("keys.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(page.locator(f"{PANEL} .jp-pipe-Node")).to_have_count(3, timeout=LONG)

    # The list: one stop, arrows, type ahead, Enter to the cell.
    tree = page.locator(f"{PANEL} [role=tree]")
    chosen = tree.locator("[aria-selected=true]")
    tree.focus()
    page.keyboard.press("ArrowDown")
    expect(chosen).to_contain_text("fit")
    page.keyboard.press("End")
    expect(chosen).to_contain_text("show")
    page.keyboard.press("l")
    expect(chosen).to_contain_text("load")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-CodeCell.jp-mod-active")).to_contain_text("b = a + 1")

    # Its menu opens at the row, and Escape gives the focus back.
    tree.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("menuitem", name="Run From This Stage On")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".lm-Menu")).to_have_count(0)

    # The graph: one stop, arrows along the edges.
    node = page.locator(f"{PANEL} .jp-pipe-Node[tabindex='0']")
    expect(node).to_have_count(1)
    node.focus()
    for key, stage in (("ArrowDown", "fit"), ("ArrowDown", "show"), ("ArrowUp", "fit")):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED_STAGE) == stage
    expect(page.locator(f"{PANEL} .jp-pipe-Node[tabindex='0']")).to_have_attribute(
        "data-stage", "fit"
    )

    # The picker: opened by a key at the cell, Escape leads back to the notebook.
    activate_cell(page, page.locator(".jp-CodeCell", has_text="a = 1"))
    page.keyboard.press("Alt+s")
    expect(page.locator(".jp-pipe-Popover input").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".jp-pipe-Popover")).to_have_count(0)
    page.wait_for_function(
        "() => document.querySelector('.jp-Notebook').contains(document.activeElement)"
    )

    # Running: the button that starts is the one that cancels, and stays under the
    # fingers.
    page.locator(f"{PANEL} .jp-pipe-Toolbar .jp-mod-primary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".jp-pipe-Strip")).to_contain_text("Succeeded", timeout=LONG)
    expect(page.locator(f"{PANEL} .jp-pipe-Toolbar .jp-mod-primary")).to_be_focused()

    # By Tab alone from the list to the end of the panel: nothing swallows the focus.
    tree.focus()
    stops = []
    for _ in range(20):
        page.keyboard.press("Tab")
        if not page.evaluate(
            f"() => document.querySelector('{PANEL}').contains(document.activeElement)"
        ):
            break
        stops.append(
            page.evaluate(
                "() => document.activeElement.getAttribute('aria-label') ?? ''"
            )
        )
    assert 3 <= len(stops) < 20, stops
