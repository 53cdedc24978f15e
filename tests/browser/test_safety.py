"""What a notebook carries cannot run script: not in the panel, not beside the cells,
not in the report."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import Lab, run_command
from tests.browser.test_running import LONG, strip

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
Open = Callable[[str], Page]

EVIL = "</script><img src=x onerror=window.hacked=1;alert(1)><script>window.hacked=1</script>"


def test_script_runs_nowhere(lab: Lab, open_notebook: Open) -> None:
    svg = "http://www.w3.org/2000/svg"
    picture = f"display({{'image/svg+xml': '<svg xmlns=\"{svg}\" onload=\"window.hacked=1\"/>'}}, raw=True)"
    lab.write(
        "safety.ipynb",
        (f"evil: str = {EVIL!r}", "parameters"),
        ("from IPython.display import HTML, Markdown, display",),
        (
            "display(HTML(evil), Markdown(evil))\nprint(evil)\nseen = evil",
            "stage:show",
            "metric:seen",
        ),
        (picture,),
        (f"# {EVIL}\nraise ValueError(evil + seen)", "stage:bad"),
    )
    page = open_notebook("safety.ipynb")
    opened: list[str] = []

    def note(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    run_command(page, "jupyter-pipe:show-panel")
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(page.locator(".jp-pipe-Failure")).to_contain_text(EVIL, timeout=LONG)
    expect(strip(page)).to_contain_text("Failed", timeout=LONG)
    run_command(page, "jupyter-pipe:toggle-run-output", stage="show")
    shown = page.get_by_role("region", name="Output of the run")
    expect(shown.first).to_contain_text("onerror")
    page.locator(".jp-pipe-Failure").get_by_role(
        "button", name="Full traceback"
    ).click()
    expect(page.locator(".Toastify")).to_contain_text("failed in bad")
    assert page.evaluate("window.hacked") is None
    run_command(page, "jupyter-pipe:open-report")
    expect(
        page.frame_locator(".jp-pipe-Document iframe").locator("h1")
    ).to_contain_text("safety")
    run_id = page.evaluate(
        "document.querySelector('.jp-pipe-Document').parentElement.id"
    )[-20:]
    (report,) = (lab.folder / ".jupyter_pipe" / "runs").glob(f"*{run_id}/report.html")
    alone = page.context.new_page()
    alone.on("dialog", note)
    alone.goto(report.as_uri())
    expect(alone.locator("h1")).to_contain_text("safety")
    assert alone.evaluate("window.hacked") is None
    assert opened == []
