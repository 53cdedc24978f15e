"""The second half of docs/lifecycle.md in pictures: `python -m
tests.browser.lifecycle`.

No test: the twelve weeks of `tests.loop.scenario` with the real command line and a real
service, and the Operations tab beside them. From the first champion to the one that
takes its place, ten pictures.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import Lab, go_to_notebook, make_lab, run_command
from tests.browser.screenshots import LONG, save
from tests.loop import scenario
from tests.loop.scenario import Scenario, Traffic
from tests.loop.weeks import dearer, week_of
from tests.serving.service import serving, until


def main() -> None:
    """Take all pictures."""
    os.environ.pop("CI", None)
    with tempfile.TemporaryDirectory() as folder:
        lab = make_lab(Path(folder) / "weeks", Path(folder) / "state")
        # What the command line signs there is the server's own.
        os.environ.update(lab._environment())
        world = Scenario(lab.folder, print)
        scenario.the_first_version(world)
        lab.start()
        try:
            with (
                serving("homes@champion", folder=world.folder) as service,
                sync_playwright() as playwright,
            ):
                world.port = service.port
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium")
                    or shutil.which("google-chrome"),
                    args=["--no-sandbox", "--disable-gpu"],
                )
                page = browser.new_page(
                    viewport={"width": 1100, "height": 720}, reduced_motion="reduce"
                )
                take(world, lab, page)
                browser.close()
        finally:
            lab.stop()


def take(world: Scenario, lab: Lab, page: Page) -> None:
    """Week by week."""
    traffic = Traffic(world.port)
    traffic.start()
    _open(lab, page)
    _champion(page)
    _service(world, page, traffic)
    _open(lab, page)
    scenario.miles(world)
    picture(page, "lifecycle-5-refused", "Loop", "refused the data")
    scenario.repaired(world)
    outwards = week_of(8)
    answered = sum(traffic.answers.values())
    traffic.week = outwards.assign(km_to_centre=outwards["km_to_centre"] + 6)
    until(lambda: sum(traffic.answers.values()) > answered + 45, "900 rows of week 8")
    picture(page, "lifecycle-6-drift", "Monitoring", "'km_to_centre' moved")
    _retrained(world, page)
    traffic.end()
    assert traffic.failures == [], traffic.failures[:3]


def _open(lab: Lab, page: Page) -> None:
    """The tab, with nothing beside it."""
    go_to_notebook(page, lab, "homes.ipynb")
    run_command(page, "jupyter-pipe:open-operations")
    if page.locator("#jp-left-stack").is_visible():
        run_command(page, "application:toggle-left-area")


def _champion(page: Page) -> None:
    picture(page, "lifecycle-1-contract", "Data", "batches by week")

    def opened() -> None:
        page.locator(".jp-pipe-Ops-table tbody tr [aria-expanded]").first.click()
        expect(page.locator(".jp-pipe-Ops-more")).to_be_visible(timeout=LONG)

    picture(page, "lifecycle-2-champion", "Models", "version 1 answers", opened)


def _service(world: Scenario, page: Page, traffic: Traffic) -> None:
    until(lambda: sum(traffic.answers.values()) > 40, "answers of version 1")
    picture(page, "lifecycle-3-service", "Service", "running")
    page.goto(f"http://127.0.0.1:{world.port}/")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Predict").click()
    page.wait_for_timeout(1500)
    save(page, "lifecycle-4-prediction")


def _retrained(world: Scenario, page: Page) -> None:
    """Drift and new data start one run; its version waits for somebody, and takes over
    with a click."""
    settings = world.folder / "homes.loop.yaml"
    settings.write_text(settings.read_text().replace("promote: auto", "promote: ask"))
    world.feed(8, dearer(8))
    world.feed(9, dearer(9))
    world.labels(dearer(12))
    world.once()
    picture(page, "lifecycle-7-retrained", "Loop", "waits for")
    picture(page, "lifecycle-8-waiting", "Waiting for you", "homes@")
    _named(page, "Models", "challenger")
    page.get_by_role("button", name="Promote homes@").first.click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog.locator("tbody tr", has_text="mae")).to_have_count(1, timeout=LONG)
    save(page, "lifecycle-9-promote")
    # The page has no field for labelled rows; the comparison of these weeks is the
    # command line's.
    dialog.get_by_role("button", name="Cancel").click()
    newest = max(
        int(each["number"]) for each in world.read("models", "homes", "--json")
    )
    world.pipe("promote", f"homes@{newest}", "--on", "labels.csv")
    picture(page, "lifecycle-10-promoted", "Models", f"version {newest} answers")


def _named(page: Page, name: str, text: str) -> None:
    """Go to a page of the tab, and wait until it says what is to be seen on it."""
    page.locator(".jp-pipe-Ops-tabs").get_by_role("tab", name=name).click()
    refresh = page.locator(".jp-pipe-Ops-title").get_by_role("button", name="Refresh")
    for _ in range(60):
        refresh.click()
        page.wait_for_timeout(1000)
        if text in (page.locator(".jp-pipe-Ops-page").text_content() or ""):
            return
    raise AssertionError(
        f"{name} does not say {text!r}: {page.locator('.jp-pipe-Ops-page').text_content()}"
    )


def picture(
    page: Page,
    name: str,
    tab: str,
    text: str,
    prepare: Callable[[], None] = lambda: None,
) -> None:
    """Save a page of the Operations tab."""
    _named(page, tab, text)
    prepare()
    save(page, name)


if __name__ == "__main__":
    main()
