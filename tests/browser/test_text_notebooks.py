"""A script that jupytext opens as a notebook: tagged, run, and its failure shown where
it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import TOKEN, Lab, activate_cell, make_lab, run_command

pytestmark = pytest.mark.browser
PATIENCE_MS = 120_000
SCRIPT = (
    "# %%\nrows = [1, 2, 3]\n\n# %%\n# About the total.\ntotal = sum(rows)\nrows[7]\n"
)


@pytest.fixture
def text_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    found = make_lab(
        tmp_path_factory.mktemp("texts"),
        tmp_path_factory.mktemp("state"),
        guests=("jupytext",),
    )
    found.start()
    yield found
    found.stop()


def test_a_script_is_tagged_and_run_as_a_notebook(text_lab: Lab, page: Page) -> None:
    path = text_lab.folder / "work.py"
    path.write_text(SCRIPT)
    # A script names no kernel, so JupyterLab asks for one unless a kernel's program is
    # the server's own.
    question = page.get_by_role("dialog").filter(has_text="Select Kernel")
    page.add_locator_handler(
        question, lambda _: question.get_by_role("button", name="Select Kernel").click()
    )
    page.goto(f"{text_lab.url}/lab?reset&token={TOKEN}")
    run_command(page, "docmanager:open", path="work.py", factory="Jupytext Notebook")
    cells = page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(2, timeout=PATIENCE_MS)
    run_command(page, "jupyter-pipe:show-panel")
    for place, stage in enumerate(("make", "add")):
        activate_cell(page, cells.nth(place))
        run_command(page, "jupyter-pipe:assign-stage", stage=stage)
    run_command(page, "jupyter-pipe:compile-and-run")
    failure = page.locator(".jp-pipe-Failure")
    expect(failure).to_contain_text("IndexError", timeout=PATIENCE_MS)
    expect(failure).to_contain_text("line 3")
    # It stands below the cell that failed, whose id the file does not hold.
    expect(cells.nth(1).locator(".jp-pipe-Failure")).to_have_count(1)
    assert path.read_text().startswith('# %% tags=["stage:make"]\nrows')
    assert '# %% tags=["stage:add"]\n# About the total.' in path.read_text()
    expect(page.get_by_text("work_py: failed in add")).to_be_visible()
