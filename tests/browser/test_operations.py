"""The Operations tab, on a project that the command line made: read, decide, by mouse
and by keyboard."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Lab, go_to_notebook, make_lab, run_command
from tests.browser.homes import QUESTION

PAGES = (
    "Waiting for you",
    "Models",
    "Data",
    "Studies",
    "Service",
    "Monitoring",
    "Labels",
    "Loop",
)
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server whose root is the project; what the command line signs there is the
    server's own."""
    lab = make_lab(
        tmp_path_factory.mktemp("homes"), tmp_path_factory.mktemp("homes-state")
    )
    made = [sys.executable, "-m", "tests.browser.homes"]
    subprocess.run(made, cwd=lab.folder, env=lab._environment(), check=True)
    lab.start()
    yield lab
    lab.stop()


def page_named(page: Page, name: str) -> None:
    """Go to a page of the tab, and wait until it is there."""
    page.locator(".jp-pipe-Ops-tabs").get_by_role("tab", name=name).click()
    expect(page.locator(".jp-pipe-Ops-page h2")).to_have_text(name)
    expect(page.locator(".jp-pipe-Ops-page .jp-pipe-Skeleton")).to_have_count(0)


def test_every_page_is_read_and_decided_upon(homes: Lab, page: Page) -> None:
    go_to_notebook(page, homes, "homes.ipynb")

    # What waits is told without anybody asking, and leads to where it is answered.
    toast = page.locator(".Toastify__toast", has_text="2 things wait for you")
    expect(toast).to_contain_text(QUESTION)
    # It slides in, and leaves by itself: on a busy machine it never stands still for a
    # click of the mouse.
    toast.get_by_role("button", name="Review").dispatch_event("click")
    question = page.locator(".jp-pipe-Ops-question")
    expect(question).to_contain_text(QUESTION)
    expect(question.locator(".jp-mod-primary")).to_have_text("Approve")
    assert violations(page, ".jp-pipe-Ops") == []
    question.get_by_label("Note").fill("Harbour is fine")
    question.get_by_role("button", name="Approve").click()
    expect(question).to_contain_text("Harbour is fine; the run can go on")
    expect(question.get_by_role("button", name="Resume the run")).to_be_visible()

    # Arrows go from page to page.
    tabs = page.locator(".jp-pipe-Ops-tabs")
    tabs.get_by_role("tab", name="Waiting for you").focus()
    page.keyboard.press("ArrowDown")
    expect(tabs.get_by_role("tab", name="Models")).to_be_focused()
    check_models(page)
    check_other_pages(page)
    check_themes(page)


def check_models(page: Page) -> None:
    """Versions, their proofs, promotion with both metrics side by side, and back."""
    rows = page.locator(".jp-pipe-Ops-table tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("challenger, not decided upon")
    rows.nth(0).locator("[aria-expanded]").click()
    expect(page.locator(".jp-pipe-Ops-more")).to_contain_text(
        "the scorer repeats the notebook's predictions"
    )
    expect(page.locator(".jp-pipe-Ops-more")).to_contain_text("leaves=40")
    assert violations(page, ".jp-pipe-Ops") == []
    page.get_by_role("button", name="Promote homes@2…").click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog.locator("tbody tr", has_text="mae").locator("td")).to_have_count(2)
    assert violations(page, ".jp-pipe-Ops-decision") == []
    dialog.get_by_role("button", name="Promote", exact=True).click()
    expect(page.get_by_role("region", name="homes", exact=True)).to_contain_text(
        "version 2 answers"
    )
    page.get_by_role("button", name="Roll back to version 1…").click()
    dialog.get_by_role("button", name="Roll back", exact=True).click()
    expect(page.get_by_role("region", name="homes", exact=True)).to_contain_text(
        "version 1 answers"
    )


def check_other_pages(page: Page) -> None:
    """Each tells what the command line made."""
    page_named(page, "Data")
    expect(page.locator(".jp-pipe-Ops-page")).to_contain_text(
        "6 batches by week · the last one, 6: 120 rows"
    )
    expect(page.get_by_role("img", name="Histogram of area")).to_be_visible()
    page_named(page, "Studies")
    expect(page.locator(".jp-pipe-Ops-page")).to_contain_text(
        "3 trials of 3: 3 succeeded. Best mae"
    )
    expect(page.locator(".jp-pipe-Ops-plot circle[data-best=true]")).to_have_count(2)
    page_named(page, "Service")
    expect(page.locator(".jp-pipe-Ops-page")).to_contain_text("not running")
    expect(page.locator(".jp-pipe-Ops-page")).to_contain_text("area: type 5")
    page_named(page, "Monitoring")
    expect(page.locator(".jp-pipe-Ops-page")).to_contain_text(
        "its bundle is not on this machine"
    )
    page_named(page, "Labels")
    queue = page.get_by_role("region", name="doubtful", exact=True)
    queue.get_by_role("button", name="cheap").click()
    expect(queue).to_contain_text("1 of 2 labelled by you")
    queue.get_by_role("button", name="dear").focus()
    page.keyboard.press("1")
    expect(queue).to_contain_text("2 of 2 labelled by you")
    page_named(page, "Loop")
    expect(page.locator(".jp-pipe-Ops-page")).to_contain_text("the loop does not run")
    expect(page.locator(".jp-pipe-Ops-page")).to_contain_text("0 6 * * MON")


def check_themes(page: Page) -> None:
    """Every page, in every theme, at 800 pixels, and with the system's own colours."""
    page.set_viewport_size({"width": 1140, "height": 700})
    wrong: list[str] = []
    for theme in THEMES:
        run_command(page, "apputils:change-theme", theme=theme)
        for name in PAGES:
            page_named(page, name)
            wrong += [
                f"{theme}, {name}: {each}" for each in violations(page, ".jp-pipe-Ops")
            ]
            is_wide = "node => node.scrollWidth > node.clientWidth"
            if page.locator(".jp-pipe-Ops-page").evaluate(is_wide):
                wrong.append(f"{theme}, {name}: runs out of its place")
    assert wrong == []


def test_the_panel_and_the_report_are_accessible(homes: Lab, page: Page) -> None:
    go_to_notebook(page, homes, "homes.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(page.locator("#jupyter-pipe-panel .jp-pipe-Row")).to_have_count(4)
    wrong: list[str] = []
    for theme in THEMES:
        run_command(page, "apputils:change-theme", theme=theme)
        expect(page.locator("#jupyter-pipe-panel")).to_be_visible()
        wrong += [
            f"{theme}: {each}"
            for each in violations(page, "#jupyter-pipe-panel", ".jp-pipe-Chip")
        ]
    assert wrong == []
    report = max(
        homes.folder.glob(".jupyter_pipe/runs/*/report.html"),
        key=lambda path: path.parent.name,
    )
    assert violations_of_report(page, report) == []
    # Paper cannot be opened: what is folded is printed all the same.
    folded = page.locator("details:not([open]) > :not(summary)").first
    expect(folded).not_to_be_visible()
    page.emulate_media(media="print")
    expect(folded).to_be_visible()


def violations_of_report(page: Page, report: Path) -> list[str]:
    """Of the report as a page of its own; its rules, which let no script in, are left
    out."""
    page.goto("about:blank")
    html = report.read_text(encoding="utf-8")
    start = html.index('<meta http-equiv="Content-Security-Policy"')
    page.set_content(html[:start] + html[html.index(">", start) + 1 :])
    return violations(page, "html", whole=True)
