"""The first steps: shown once to a user, left by Escape, started again, done when the
report is open."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import TOKEN, Lab, run_command
from tests.browser.matrix import PANEL, THEMES, set_width

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
LONG = 240_000
CUT = """card => [...card.querySelectorAll('*:not(.jp-pipe-hidden)')]
    .filter(node => node.scrollWidth > node.clientWidth + 1).length"""


def wait_until_remembered(lab: Lab) -> None:
    """JupyterLab writes what it remembers of a user a moment later, into the
    workspace."""
    deadline = monotonic() + LONG / 1000
    folder = lab.state / "workspaces"
    while not any(
        '"jupyter-pipe:tour"' in path.read_text() for path in folder.glob("*")
    ):
        assert monotonic() < deadline
        sleep(0.1)


def test_three_steps_lead_to_a_report(
    lab: Lab, open_notebook: Callable[[str], Page]
) -> None:
    lab.write(
        "first.ipynb",
        ("import math\nx = 3",),
        ("y = math.sqrt(x)\nprint(y)",),
        markdown={1: "## Root"},
    )
    page = open_notebook("first.ipynb")
    page.set_viewport_size({"width": 1280, "height": 800})
    run_command(page, "jupyter-pipe:show-panel")
    set_width(page, 250)
    card = page.get_by_role("region", name="First steps")
    step = card.locator("[aria-current=step]")
    expect(step).to_contain_text("Tag")
    assert card.evaluate(CUT) == 0

    # Escape closes it, for good, and leaves nobody nowhere.
    card.get_by_role("button", name="Suggest stages").focus()
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(page.locator(f"{PANEL} .jp-pipe-Toolbar .jp-mod-primary")).to_be_focused()
    wait_until_remembered(lab)
    page.goto(f"{lab.url}/lab/tree/first.ipynb?token={TOKEN}")
    run_command(page, "jupyter-pipe:show-panel")
    expect(page.locator(f"{PANEL} .jp-pipe-Toolbar")).to_be_visible()
    expect(card).to_have_count(0)

    # The card of shortcuts starts it again, and it takes the focus.
    page.evaluate("() => void window.jupyterapp.commands.execute('jupyter-pipe:help')")
    page.locator(".jp-Dialog").get_by_role("button", name="First steps").click()
    expect(card).to_be_focused()
    wrong = []
    for theme in THEMES.values():
        run_command(page, "apputils:change-theme", theme=theme)
        page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name", arg=theme
        )
        wrong += [f"{theme}: {each}" for each in violations(page, PANEL)]
    run_command(page, "apputils:change-theme", theme=THEMES["light"])
    assert wrong == []

    # By keys alone through all three.
    card.focus()
    page.keyboard.press("Tab")
    expect(card.get_by_role("button", name="Suggest stages")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Accept").first.focus()
    page.keyboard.press("Enter")
    expect(step).to_contain_text("Compile and run")
    expect(card.get_by_role("status")).to_contain_text("2 of 3")
    go = card.get_by_role("button", name="Compile and run")
    go.focus()
    page.keyboard.press("Enter")
    expect(step).to_contain_text("Open the report", timeout=LONG)
    expect(card.locator("li svg")).to_have_count(2)
    expect(card.get_by_role("button", name="Open report")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".jp-pipe-Document iframe")).to_be_visible()
    expect(card).to_have_count(0)
