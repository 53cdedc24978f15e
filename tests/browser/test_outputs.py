"""What a run showed, beside the source cells: on demand, as it comes, and never in the
notebook."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab, run_command
from tests.browser.test_running import LONG, WAIT, contents, strip

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
Open = Callable[[str], Page]

EVIL = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script><b id=shown>bold</b>"
SHOWS = "from IPython.display import HTML, Javascript\ndisplay(HTML({0!r}), Javascript('window.hacked=1'))"


def test_the_output_of_a_run_is_shown_below_its_cell(
    lab: Lab, open_notebook: Open
) -> None:
    path = lab.write(
        "outputs.ipynb",
        ("print('first')", "stage:show"),
        (SHOWS.format(EVIL),),
        (WAIT.format("outputs.go", "print('last')"),),
        ("print('other')", "stage:other"),
    )
    before = contents(path)
    page = open_notebook("outputs.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(strip(page)).to_contain_text("Running", timeout=LONG)
    run_command(page, "jupyter-pipe:toggle-run-output", stage="show")
    shown = page.get_by_role("region", name="Output of the run")
    expect(shown).to_have_count(3)
    expect(shown.nth(2)).to_contain_text("Nothing yet.")
    (lab.folder / "outputs.go").touch()
    expect(strip(page)).to_contain_text("Succeeded", timeout=LONG)
    expect(shown.nth(0)).to_contain_text("first")
    expect(shown.nth(1).locator("b")).to_have_text("bold")
    expect(shown.nth(2)).to_contain_text("last")
    assert page.evaluate("window.hacked") is None
    shown.nth(0).get_by_role("button", name="Close the output of the run").click()
    expect(shown).to_have_count(2)
    page.locator(".jp-pipe-Chip[data-stage=other]").click()
    page.get_by_role("option", name="Run output").click()
    expect(shown).to_have_count(3)
    expect(shown.nth(2)).to_contain_text("other")
    run_command(page, "docmanager:save")
    assert contents(path) == before
