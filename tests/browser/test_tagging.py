"""Tagging in the notebook: by picker, keys, commands and forms; every change one step
that can be undone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab, activate_cell, run_command

pytestmark = pytest.mark.browser
Open = Callable[[str], Page]


# How far the editor stands right of, and below, the chip that sits on it.
GAP = """chip => {
  const editor = chip.closest('.jp-Cell').querySelector('.jp-InputArea-editor').getBoundingClientRect();
  const box = chip.getBoundingClientRect();
  return {x: editor.left - box.left, y: editor.top - box.bottom};
}"""


def tags_of(path: Path) -> list[list[str]]:
    cells = json.loads(path.read_text())["cells"]
    return [
        cell["metadata"].get("tags", [])
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def save(page: Page) -> None:
    run_command(page, "docmanager:save")


def select_cell(page: Page, number: int) -> None:
    activate_cell(page, page.locator(".jp-CodeCell").nth(number))


def chips(page: Page) -> list[str]:
    return page.locator(".jp-pipe-Chip-name").all_inner_texts()


def test_an_untagged_notebook_is_tagged_by_hand(lab: Lab, open_notebook: Open) -> None:
    path = lab.write(
        "by_hand.ipynb", ("x = 1",), ("y = x", "hide-input"), ("z = y",), ("print(z)",)
    )
    page = open_notebook("by_hand.ipynb")
    expect(page.locator(".jp-pipe-Chip")).to_have_count(0)
    select_cell(page, 1)
    page.keyboard.press("Alt+s")
    page.get_by_role("combobox", name="Find or name a stage").fill("clean-up")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-pipe-Chip[data-stage=clean_up]")).to_be_visible()
    select_cell(page, 3)
    page.keyboard.press("Alt+Shift+s")
    expect(page.locator(".jp-pipe-Chip-name")).to_have_text(
        ["setup", "clean_up", "clean_up_2"]
    )
    save(page)
    assert tags_of(path) == [
        [],
        ["hide-input", "stage:clean_up"],
        [],
        ["stage:clean_up_2"],
    ]


def test_renaming_rewrites_dependents_and_can_be_undone(
    lab: Lab, open_notebook: Open
) -> None:
    before = [
        ("x = 1", "stage:load"),
        ("y = x", "other", "step:fit", "prev:load"),
        ("y", "stage:show", "after:load"),
    ]
    path = lab.write("rename.ipynb", *before)
    page = open_notebook("rename.ipynb")
    page.locator(".jp-pipe-Chip[data-stage=load]").click()
    page.get_by_role("option", name="Rename stage…").click()
    page.locator(".jp-Dialog input").fill("9 lives")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-Dialog")).to_contain_text("does not start with a digit")
    page.locator(".jp-Dialog input").fill("ingest")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-pipe-Chip-name").first).to_have_text("ingest")
    save(page)
    assert tags_of(path) == [
        ["stage:ingest"],
        ["other", "step:fit", "prev:ingest"],
        ["stage:show", "after:ingest"],
    ]
    page.get_by_role("button", name="Undo", exact=True).click()
    save(page)
    assert tags_of(path) == [list(tags) for _, *tags in before]


def test_options_are_checked_as_they_are_typed(lab: Lab, open_notebook: Open) -> None:
    path = lab.write(
        "options.ipynb",
        ("x = 1", "stage:load"),
        ("oob_mae = x", "stage:fit", "mine"),
        ("y = 2",),
    )
    page = open_notebook("options.ipynb")
    expect(page.locator(".jp-pipe-Chip[data-stage=fit]")).to_be_visible()
    run_command(page, "jupyter-pipe:stage-options", stage="fit")
    form = page.get_by_role("dialog", name="Options of fit")
    expect(form).to_contain_text("reads x")
    form.get_by_label("Gate").fill("oob_maee < 40_000")
    expect(form).to_contain_text("Did you mean oob_mae?")
    expect(form.get_by_role("button", name="Save options")).to_be_disabled()
    form.get_by_label("Gate").fill("oob_mae < 40_000")
    form.get_by_label("Metrics").fill("oob_mae, x")
    form.get_by_label("Timeout").fill("30m")
    form.get_by_label("Add a stage to wait for").select_option("load")
    form.get_by_role("button", name="Save options").click()
    save(page)
    written = [
        "after:load",
        "metric:oob_mae",
        "metric:x",
        "gate:oob_mae < 40_000",
        "timeout:30m",
    ]
    assert tags_of(path)[1] == ["stage:fit", "mine", *written]


def test_problems_come_with_their_cure(lab: Lab, open_notebook: Open) -> None:
    path = lab.write(
        "problems.ipynb", ("x = 1", "stgae:load"), ("print(y)", "stage:show")
    )
    page = open_notebook("problems.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    problems = page.get_by_role("list", name="Problems")
    expect(problems).to_contain_text("stgae:load")
    problems.get_by_role("button", name="Replace it by 'stage:load'").click()
    expect(page.locator(".jp-pipe-Chip-name").first).to_have_text("load")
    expect(problems).not_to_contain_text("stgae")
    save(page)
    assert tags_of(path)[0] == ["stage:load"]


@pytest.fixture(params=["defer", "full", "none", "contentVisibility"])
def windowing_mode(lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    """JupyterLab draws the cells of a long notebook in one of these ways, until the
    test ends."""
    settings = (
        lab.state
        / "settings"
        / "@jupyterlab"
        / "notebook-extension"
        / "tracker.jupyterlab-settings"
    )
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"windowingMode": request.param}))
    yield request.param
    settings.unlink()


@pytest.mark.usefixtures("windowing_mode")
def test_chips_in_every_windowing_mode(lab: Lab, open_notebook: Open) -> None:
    lab.write(
        "modes.ipynb",
        *[(f"x{number} = {number}", f"stage:s{number:03}") for number in range(120)],
    )
    page = open_notebook("modes.ipynb")
    expect(page.locator(".jp-pipe-Chip-name").first).to_have_text("s000")
    chip = page.locator(".jp-pipe-Chip[data-stage=s110]")
    for _ in range(10):
        # JupyterLab draws cells late, which pushes the target out of view: a user goes
        # there again.
        run_command(page, "jupyter-pipe:go-to-stage", stage="s110")
        with contextlib.suppress(AssertionError):
            expect(chip).to_be_in_viewport(timeout=5_000)
            break
    expect(chip).to_be_in_viewport()
    gap = chip.evaluate(GAP)  # both boxes at once: the list may still be scrolling
    assert abs(gap["x"]) <= 1
    assert 0 <= gap["y"] + 1 <= 4


def test_two_views_of_one_notebook_show_the_same(lab: Lab, open_notebook: Open) -> None:
    lab.write("two.ipynb", ("x = 1", "stage:load"))
    page = open_notebook("two.ipynb")
    run_command(page, "docmanager:clone")
    expect(page.locator(".jp-pipe-Chip")).to_have_count(2)
    run_command(page, "jupyter-pipe:assign-stage", stage="ingest")
    expect(page.locator(".jp-pipe-Chip-name")).to_have_text(["ingest", "ingest"])


def test_other_languages_have_no_pipeline(lab: Lab, open_notebook: Open) -> None:
    path = lab.write("other.ipynb", ("x <- 1",))
    notebook = json.loads(path.read_text())
    notebook["metadata"]["kernelspec"] = {
        "name": "ir",
        "display_name": "R",
        "language": "R",
    }
    path.write_text(json.dumps(notebook))
    page = open_notebook("other.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(
        page.get_by_text("Pipelines need a Python kernel; this one is R.")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Compile and run")).to_have_count(0)


def test_an_empty_notebook_waits_for_nothing(lab: Lab, open_notebook: Open) -> None:
    lab.write("empty.ipynb")
    page = open_notebook("empty.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(
        page.get_by_text("Nothing to check yet: the notebook has no code.")
    ).to_be_visible()
    expect(
        page.get_by_text("The graph is known when the notebook compiles.")
    ).to_be_visible()
    expect(
        page.get_by_text("The parameters are known when the notebook compiles.")
    ).to_be_visible()
    expect(page.get_by_text("Compiling…")).to_have_count(0)


def test_names_that_carry_html_stay_text(lab: Lab, open_notebook: Open) -> None:
    evil = "<img src=x onerror=window.hacked=1>"
    lab.write(
        "evil.ipynb",
        ("x = 1", f"stage:{evil}", f"gate:{evil}"),
        (f"print('{evil}')", "stage:show"),
    )
    page = open_notebook("evil.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(page.get_by_role("list", name="Problems")).to_contain_text("onerror")
    assert page.evaluate("window.hacked") is None
