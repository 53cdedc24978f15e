"""The story of docs/tutorial.md in pictures: home_value.ipynb from untagged to a green
run."""

from __future__ import annotations

import json
import shutil

from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Lab, go_to_notebook, run_command
from tests.browser.screenshots import LONG, save

FINISHED = '.jp-pipe-Strip:has-text("{0}")'


def take_tutorial(lab: Lab, page: Page) -> None:
    """Every picture, in the order of the text."""
    page.set_viewport_size({"width": 1240, "height": 860})
    _write_untagged(lab)
    go_to_notebook(page, lab, "homes.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    _widen(page, 320)
    _tag(page)
    _run(page)
    _fail_and_mend(page)
    _compare(page)


def _tag(page: Page) -> None:
    expect(
        page.get_by_role("list", name="Problems").or_(
            page.get_by_text("No problems found.")
        )
    ).to_be_visible(timeout=LONG)
    save(page, "tutorial-1-open")
    page.locator(".jp-pipe-Section").get_by_role(
        "button", name="Suggest stages"
    ).click()
    page.wait_for_selector(".jp-pipe-Suggestion", timeout=LONG)
    page.get_by_role("button", name="Cells of features").click()
    run_command(page, "jupyter-pipe:go-to-stage", stage="features")
    page.wait_for_timeout(2000)
    save(page, "tutorial-2-suggest")
    page.get_by_role("button", name="Accept").click()
    page.wait_for_selector(".jp-pipe-Row", timeout=LONG)
    page.wait_for_timeout(1500)
    page.locator(".jp-pipe-Chip[data-stage=features]").click()
    save(page, "tutorial-3-picker")
    page.keyboard.press("Escape")
    run_command(page, "jupyter-pipe:go-to-stage", stage="evaluate")
    page.wait_for_timeout(1000)
    run_command(page, "jupyter-pipe:stage-options", stage="evaluate")
    form = page.get_by_role("dialog", name="Options of evaluate")
    form.get_by_label("Metrics").fill("best_mae, r2")
    form.get_by_label("Gate").fill("best_mea < 25_000")
    expect(form).to_contain_text("Did you mean", timeout=LONG)
    save(page, "tutorial-4-options")
    form.get_by_label("Gate").fill("best_mae < 25_000")
    form.get_by_role("button", name="Save options").click()


def _run(page: Page) -> None:
    page.wait_for_timeout(2000)
    with page.expect_response("**/jupyter-pipe/plan*", timeout=LONG):
        page.evaluate("void window.jupyterapp.commands.execute('jupyter-pipe:plan')")
    page.wait_for_selector(".jp-pipe-Plan", timeout=LONG)
    save(page, "tutorial-5-plan")
    page.locator(".jp-Dialog").get_by_role("button", name="Compile and run").click()
    page.wait_for_selector('.jp-pipe-Row[aria-label^="running, forest"]', timeout=LONG)
    run_command(page, "jupyter-pipe:go-to-stage", stage="ridge")
    save(page, "tutorial-6-run")
    page.wait_for_selector(FINISHED.format("Succeeded"), timeout=LONG)
    run_command(page, "jupyter-pipe:open-report")
    page.frame_locator(".jp-pipe-Document iframe").locator("h1").first.wait_for(
        timeout=LONG
    )
    save(page, "tutorial-7-report")
    run_command(page, "docmanager:open", path="homes.ipynb")


def _fail_and_mend(page: Page) -> None:
    _replace(page, "Ridge(alpha=3.0)", 'Ridge(alpha="3.0")')
    run_command(page, "jupyter-pipe:compile-and-run")
    page.wait_for_selector(".jp-pipe-Failure", timeout=LONG)
    page.wait_for_selector(FINISHED.format("Failed"), timeout=LONG)
    run_command(page, "jupyter-pipe:go-to-stage", stage="ridge")
    page.wait_for_timeout(1500)
    save(page, "tutorial-8-failure")
    _replace(page, 'Ridge(alpha="3.0")', "Ridge(alpha=3.0)")
    run_command(page, "jupyter-pipe:resume")
    page.wait_for_selector(FINISHED.format("Succeeded"), timeout=LONG)
    run_command(page, "jupyter-pipe:go-to-stage", stage="validate")
    run_command(page, "jupyter-pipe:toggle-run-output", stage="validate")
    page.locator(".jp-pipe-Output img").wait_for(timeout=LONG)
    page.locator(".jp-pipe-Output img").first.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    save(page, "tutorial-9-output")
    run_command(page, "jupyter-pipe:toggle-run-output", stage="validate")


def _compare(page: Page) -> None:
    page.locator("#jp-pipe-parameter-n_estimators").fill("200")
    run_command(page, "jupyter-pipe:compile-and-run")
    page.wait_for_selector(FINISHED.format("Running"), timeout=LONG)
    page.wait_for_selector(FINISHED.format("Succeeded"), timeout=LONG)
    for box in page.locator(".jp-pipe-Run input").all()[:2]:
        box.check()
    page.get_by_role("button", name="Compare 2 runs").click()
    page.wait_for_selector(".jp-pipe-Compare", timeout=LONG)
    save(page, "tutorial-10-compare")


def _replace(page: Page, old: str, new: str) -> None:
    """Edit a cell as the user would, through the notebook's own model."""
    page.evaluate(
        """([old, now]) => {
          for (const cell of window.jupyterapp.shell.currentWidget.content.model.cells) {
            cell.sharedModel.setSource(cell.sharedModel.getSource().replace(old, now));
          }
        }""",
        [old, new],
    )
    page.wait_for_timeout(1000)


def _write_untagged(lab: Lab) -> None:
    notebook = json.loads((ROOT / "example_notebooks" / "home_value.ipynb").read_text())
    for cell in notebook["cells"]:
        cell["metadata"].pop("tags", None)
    (lab.folder / "homes.ipynb").write_text(json.dumps(notebook))
    shutil.copy(ROOT / "example_notebooks" / "home_sales.py", lab.folder)


def _widen(page: Page, width: int) -> None:
    box = page.locator("#jp-left-stack").bounding_box()
    if box:
        page.mouse.move(box["x"] + box["width"] + 2, 500)
        page.mouse.down()
        page.mouse.move(box["x"] + width, 500, steps=4)
        page.mouse.up()
