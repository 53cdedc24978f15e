"""What is done is said, where it is done or in a message, and messages leave again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab, run_command
from tests.browser.matrix import PANEL

pytestmark = [pytest.mark.browser]
WIDTHS = (
    "inputs => inputs.map(input => Math.round(input.getBoundingClientRect().width))"
)


def test_what_is_done_is_said_and_leaves_again(
    lab: Lab, open_notebook: Callable[[str], Page]
) -> None:
    lab.write(
        "telling.ipynb",
        ("depth: int = 3\nleaves: int = 5", "parameters"),
        ("x = depth", "stage:one"),
    )
    page = open_notebook("telling.ipynb")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    run_command(page, "jupyter-pipe:show-panel")
    fields = page.locator(f"{PANEL} .jp-pipe-Parameters input")
    expect(fields).to_have_count(2)

    # A value that is changed gets a button beside it, and the other field stays as wide
    # as it was.
    _, before = fields.evaluate_all(WIDTHS)
    fields.first.fill("4")
    expect(
        page.get_by_role(
            "button", name=re.compile("^Use the notebook.s value of depth")
        )
    ).to_be_visible()
    assert fields.evaluate_all(WIDTHS)[1] == before

    toasts = page.locator(".Toastify__toast")
    page.locator(PANEL).get_by_role("button", name="Copy as command line").click()
    expect(toasts.filter(has_text="Copied")).to_be_visible()
    assert "-p depth=4" in page.evaluate("navigator.clipboard.readText()")
    run_command(page, "jupyter-pipe:open-modules")
    expect(toasts.filter(has_text="Compiled into telling_pipeline")).to_be_visible()
    run_command(page, "docmanager:open", path="telling.ipynb")
    run_command(page, "jupyter-pipe:assign-stage", stage="two")
    undo = page.locator(".jp-pipe-Undo")
    expect(undo).to_be_visible()
    expect(undo).to_have_count(0)
    expect(toasts).to_have_count(0)


def test_what_the_server_did_not_do_is_said_and_leaves_again(
    lab: Lab, open_notebook: Callable[[str], Page]
) -> None:
    """JupyterLab keeps messages to itself that are not told how long to stay."""
    lab.write("telling_errors.ipynb", ("print(b)", "stage:one"))
    page = open_notebook("telling_errors.ipynb")
    toasts = page.locator(".Toastify__toast")
    run_command(page, "jupyter-pipe:plan")
    expect(toasts).to_have_count(1)
    expect(toasts).to_contain_text("does not compile")
    expect(toasts).to_have_count(0)
