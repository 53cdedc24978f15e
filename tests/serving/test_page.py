"""The page of a service, in a browser: a prediction, a refusal, what is live, and a
token."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from .bundles import built, falsify, write_version
from .service import Running, serving

pytestmark = pytest.mark.browser
SECONDS = 60_000
"""Milliseconds that anything on the page may take."""
EXECUTABLE = shutil.which("chromium")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("page")
    write_version(folder / "homes", 1)
    with serving("homes", "--token", "open-sesame", folder=folder) as made:
        yield made


@pytest.fixture
def page(running: Running) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=EXECUTABLE, args=["--no-sandbox"]
        )
        page = browser.new_page(reduced_motion="reduce")
        page.set_default_timeout(SECONDS)
        expect.set_options(timeout=SECONDS)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                errors.append(request.url) if "127.0.0.1" not in request.url else None
            ),
        )
        yield page
        browser.close()
    assert [each for each in errors if not each.startswith("data:")] == []


def test_the_page_from_the_token_to_a_version_that_is_refused(
    page: Page, running: Running
) -> None:
    page.goto(f"http://127.0.0.1:{running.port}/")
    page.get_by_label("This service asks for a token").fill("wrong")
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("#about")).to_have_text("The token is wrong.")
    page.get_by_label("This service asks for a token").fill("open-sesame")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("homes")

    page.get_by_label("area").fill("70.5")
    page.get_by_label("rooms").fill("3")
    page.get_by_label("district").fill("North")
    page.get_by_role("button", name="Predict").click()
    value = built(1).scorer.score_records(
        [{"area": 70.5, "rooms": 3, "district": "North"}]
    )[0]
    expect(page.locator("#answer b")).to_have_text(f"{value:.8g}")
    expect(page.locator("#answer")).to_contain_text("predicted, version run-1")
    expect(page.locator("#traffic")).to_contain_text("answered")

    page.get_by_label("rooms").fill("12")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer")).to_contain_text(
        "Row 1, column 'rooms': 12 is not within 1 to 9."
    )
    expect(page.locator(".wrong label")).to_have_text("rooms")
    expect(page.locator("#refusals")).to_contain_text("range")

    falsify(running.folder / "homes")
    expect(page.locator("#problems")).to_contain_text("golden rows get")
    write_version(running.folder / "homes", 2)
    expect(page.locator("#versions")).to_contain_text("run-2")
    expect(page.locator("#problems")).to_be_hidden()
