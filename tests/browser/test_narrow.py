"""The panel as a new user meets it: JupyterLab's own width of 250 pixels, every way of
getting somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Lab, activate_cell, go_to_notebook, run_command

pytestmark = [pytest.mark.browser]
Open = Callable[[str], Page]
LONG = 240_000
PANEL = "#jupyter-pipe-panel"

# Pixels of the smallest text in a picture: what its view box does to the style's font
# size.
SMALLEST_TEXT = """svg => Math.min(...[...svg.querySelectorAll('text')].map(text =>
    parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().d))"""
CONTRAST = """button => {
  const light = text => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(button);
  const [one, other] = [light(style.color), light(style.backgroundColor)].sort((a, b) => b - a);
  return (one + 0.05) / (other + 0.05);
}"""


def is_inside(page: Page, part: Locator) -> bool:
    """Whether all of it lies within the panel."""
    inner, outer = part.bounding_box(), page.locator(PANEL).bounding_box()
    assert inner is not None
    assert outer is not None
    return (
        inner["x"] >= outer["x"]
        and inner["x"] + inner["width"] <= outer["x"] + outer["width"]
    )


def fan(count: int) -> list[tuple[str, ...]]:
    """One stage, many that need it, and one that needs them all."""
    middle = [
        (f"r{number} = x + {number}", f"stage:region_{number:02}")
        for number in range(count)
    ]
    total = " + ".join(f"r{number}" for number in range(count))
    return [
        ("x = 1", "stage:fetch"),
        *middle,
        (f"total = {total}", "stage:customer_lifetime_value"),
    ]


@pytest.mark.parametrize("count", [3, 5, 24])
def test_the_graph_can_be_read(lab: Lab, narrow: Open, count: int) -> None:
    lab.write(f"fan{count}.ipynb", *fan(count))
    page = narrow(f"fan{count}.ipynb")
    picture = page.locator(f"{PANEL} .jp-pipe-Graph-svg")
    expect(picture.locator(".jp-pipe-Node").last).to_be_visible(timeout=LONG)
    assert picture.evaluate(SMALLEST_TEXT) >= 9.9
    assert picture.locator(".jp-pipe-Node[tabindex='0']").count() == 1
    assert is_inside(page, page.locator(f"{PANEL} .jp-pipe-Graph-open"))


def test_a_node_of_the_large_graph_leads_to_its_cell(lab: Lab, narrow: Open) -> None:
    lab.write("large.ipynb", *fan(32))
    page = narrow("large.ipynb")
    expect(page.locator(f"{PANEL} .jp-pipe-Node").first).to_be_visible(timeout=LONG)
    run_command(page, "jupyter-pipe:open-graph")
    tab = page.locator(".jp-pipe-LargeGraph")
    picture = tab.locator(".jp-pipe-Graph-svg")
    expect(picture).to_be_visible()
    assert picture.evaluate(SMALLEST_TEXT) >= 9.9
    tab.get_by_role("button", name="Show every stage by itself").click()
    expect(tab.locator(".jp-pipe-Graph-minimap")).to_be_visible()
    before = picture.get_attribute("viewBox")
    tab.get_by_role("button", name="Zoom in (+)").click()
    expect(picture).not_to_have_attribute("viewBox", str(before))
    tab.get_by_role("button", name="Fit (0)").click()
    expect(picture).to_have_attribute("viewBox", str(before))
    tab.get_by_role("button", name="Put parallel stages into one box").click()
    tab.locator('.jp-pipe-Node[data-stage="customer_lifetime_value"]').click()
    expect(
        page.locator(".jp-NotebookPanel:visible .jp-CodeCell.jp-mod-active")
    ).to_contain_text("total =")


def test_a_notebook_that_cannot_compile_says_so_first(lab: Lab, narrow: Open) -> None:
    lab.write("wrong.ipynb", ("a = 1", "stage:one"), ("print(b)", "stage:two"))
    page = narrow("wrong.ipynb")
    head = page.locator(f"{PANEL} .jp-pipe-Strip")
    expect(head).to_contain_text("Cannot compile", timeout=LONG)
    problem = page.locator(f"{PANEL} .jp-pipe-Problem")
    expect(problem).to_be_visible()  # the section opens by itself
    head.get_by_role("button", name="Show 1 problem").click()
    expect(problem.get_by_role("button", name="Go to cell")).to_be_focused()
    assert is_inside(page, head.get_by_role("button", name="Show 1 problem"))


def test_what_a_notebook_needs_first_is_its_main_action(lab: Lab, narrow: Open) -> None:
    lab.write("untagged.ipynb", ("x = 1",), ("print(x)",))
    page = narrow("untagged.ipynb")
    main = page.locator(f"{PANEL} .jp-pipe-Button.jp-mod-primary")
    expect(main).to_have_text("Suggest stages")
    page.locator(f"{PANEL}").get_by_role("button", name="More").click()
    expect(page.get_by_role("menuitem", name="Compile and Run")).to_be_visible()
    page.keyboard.press("Escape")
    lab.write("nothing.ipynb", ("",))
    go_to_notebook(page, lab, "nothing.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(main).to_be_disabled()
    expect(page.locator(PANEL)).to_contain_text(
        "No stages yet: the notebook has no code."
    )


@pytest.mark.parametrize(
    "theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"]
)
def test_the_primary_button_is_legible_under_the_pointer(
    lab: Lab, narrow: Open, theme: str
) -> None:
    lab.write("button.ipynb", ("x = 1", "stage:one"))
    page = narrow("button.ipynb")
    run_command(page, "apputils:change-theme", theme=theme)
    button = page.locator(f"{PANEL} .jp-pipe-Button.jp-mod-primary")
    expect(button).to_be_enabled(timeout=LONG)
    page.wait_for_function(
        "name => document.body.dataset.jpThemeName === name", arg=theme
    )
    assert button.evaluate(CONTRAST) >= 4.5
    button.hover()
    assert button.evaluate(CONTRAST) >= 4.5


def test_enter_on_an_open_picker_changes_nothing(lab: Lab, narrow: Open) -> None:
    path = lab.write(
        "picker.ipynb",
        ("a = 1", "stage:one"),
        ("b = 2", "stage:two"),
        markdown={1: "# Text"},
    )
    page = narrow("picker.ipynb")
    activate_cell(page, page.locator(".jp-CodeCell", has_text="b = 2"))
    page.keyboard.press("Alt+s")
    popover = page.locator(".jp-pipe-Popover")
    expect(popover.locator("[data-active=true]")).to_contain_text("two")
    menu = page.locator("#jp-top-panel").bounding_box()
    box = popover.bounding_box()
    assert menu is not None
    assert box is not None
    assert box["y"] >= menu["y"] + menu["height"]
    page.keyboard.press("Enter")
    expect(popover).to_have_count(0)
    run_command(page, "docmanager:save")
    tags = [
        cell["metadata"].get("tags") for cell in json.loads(path.read_text())["cells"]
    ]
    assert tags == [["stage:one"], None, ["stage:two"]]
    run_command(page, "jupyter-pipe:assign-stage", stage="one")
    expect(page.locator(".jp-pipe-Undo")).to_contain_text("Put 1 cell into one. Undo")


def test_text_that_is_put_into_a_stage_is_explained(lab: Lab, narrow: Open) -> None:
    lab.write("text.ipynb", ("a = 1", "stage:one"), markdown={0: "# Only text"})
    page = narrow("text.ipynb")
    activate_cell(page, page.locator(".jp-MarkdownCell"))
    run_command(page, "jupyter-pipe:pick-stage")
    expect(page.locator(".Toastify")).to_contain_text(
        "Text belongs to no stage. Select a code cell first."
    )


@pytest.mark.kernel
def test_from_a_run_to_its_report_and_back_from_an_older_one(
    lab: Lab, narrow: Open
) -> None:
    lab.write(
        "twice.ipynb",
        ("n = 1", "parameters"),
        ("mae = n * 2", "stage:fit", "metric:mae", "gate:mae < 99"),
    )
    page = narrow("twice.ipynb")
    head = page.locator(f"{PANEL} .jp-pipe-Strip")
    for value in ("1", "2"):
        field = page.locator(f"{PANEL} .jp-pipe-Parameters input")
        expect(field).to_be_visible(timeout=LONG)
        before = page.locator(".jp-pipe-Run").count()
        field.fill(value)
        run_command(page, "jupyter-pipe:compile-and-run")
        expect(page.locator(".jp-pipe-Run")).to_have_count(before + 1, timeout=LONG)
        expect(head).to_contain_text("Succeeded", timeout=LONG)
    page.locator(".jp-pipe-Run-when").last.click()
    expect(head).to_contain_text("Run of Today")
    head.get_by_role("button", name="Back to the newest").click()
    expect(head).not_to_contain_text("Run of Today")
    page.locator(".jp-pipe-Run").first.click(button="right")
    expect(page.get_by_role("menuitem", name="Open Report")).to_be_visible()
    page.keyboard.press("Escape")
    for place in (".jp-pipe-Row", ".jp-pipe-Node"):
        page.locator(f"{PANEL} {place}").first.click(button="right")
        expect(
            page.get_by_role("menuitem", name="Run From This Stage On")
        ).to_be_visible()
        page.keyboard.press("Escape")
    head.get_by_role("button", name="Open report").click()
    report = page.frame_locator(".jp-pipe-Document iframe")
    report.get_by_role("link", name=re.compile("Outputs", re.IGNORECASE)).click()
    expect(report.locator("h1")).to_contain_text("twice")
    expect(report.locator("h2", has_text="Outputs")).to_be_in_viewport()
    more = page.locator(f"{PANEL}").get_by_role("button", name="More", exact=True).first
    assert is_inside(page, more)


@pytest.mark.kernel
def test_comparing_measures_against_what_came_before(lab: Lab, narrow: Open) -> None:
    lab.write(
        "compared.ipynb",
        ("n = 1", "parameters"),
        ("mae = n * 2", "stage:fit", "metric:mae", "gate:mae < 3"),
    )
    page = narrow("compared.ipynb")
    for value, end in (("1", "Succeeded"), ("5", "Gate of fit is false")):
        field = page.locator(f"{PANEL} .jp-pipe-Parameters input")
        expect(field).to_be_visible(timeout=LONG)
        field.fill(value)
        run_command(page, "jupyter-pipe:compile-and-run")
        expect(page.locator(f"{PANEL} .jp-pipe-Strip")).to_contain_text(
            end, timeout=LONG
        )
    # Newest first, as somebody would mark them from the top.
    runs = page.locator(".jp-pipe-Run")
    expect(runs).to_have_count(2)
    for index in (0, 1):
        runs.nth(index).hover()
        runs.nth(index).locator("input").check()
    page.get_by_role("button", name="Compare 2 runs").click()
    table = page.locator(".jp-pipe-Compare table")
    expect(table.locator("thead th").first).to_contain_text("baseline")
    expect(table.locator("tr", has_text="mae < 3")).to_contain_text(
        re.compile("passed.*false", re.DOTALL)
    )
    values = table.locator(
        "tbody tr", has=page.locator("th", has_text=re.compile("^n$"))
    ).locator("td")
    expect(values.first).to_contain_text("1")
    expect(values.last).to_contain_text("5")


@pytest.mark.kernel
def test_a_debug_notebook_is_not_a_broken_pipeline(lab: Lab, narrow: Open) -> None:
    lab.write("source.ipynb", ("x = 1", "stage:load"), ("1 / 0 * x", "stage:fit"))
    page = narrow("source.ipynb")
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(page.locator(".jp-pipe-Failure")).to_be_visible(timeout=LONG)
    page.locator(".jp-pipe-Failure").get_by_role("button", name="Debug here").click()
    expect(page.locator(PANEL)).to_contain_text(
        "This notebook tries out stage fit.", timeout=LONG
    )
    expect(page.locator(f"{PANEL} .jp-pipe-Problem")).to_have_count(0)


@pytest.mark.kernel
def test_a_folder_that_cannot_be_written_is_no_dead_end(lab: Lab, narrow: Open) -> None:
    lab.write("locked/flow.ipynb", ("x = 1", "stage:load"))
    (lab.folder / "freed.ipynb").unlink(missing_ok=True)  # of a try before
    # As a folder of somebody else's, but so that it also holds for root.
    (lab.folder / "locked" / ".jupyter_pipe").write_text("")
    page = narrow("locked/flow.ipynb")
    expect(page.locator(f"{PANEL} .jp-pipe-Node")).to_have_count(1, timeout=LONG)
    run_command(page, "jupyter-pipe:compile-and-run")
    said = page.locator(".Toastify__toast", has_text="Cannot keep runs in")
    said.get_by_role("button", name="Save notebook elsewhere…").dispatch_event("click")
    field = page.locator(".jp-Dialog input")
    # What is written before the dialog has proposed its own name is lost.
    expect(field).to_have_value("locked/flow.ipynb")
    field.fill("freed.ipynb")
    expect(field).to_have_value("freed.ipynb")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    # JupyterLab opens the copy and closes what cannot be saved. It asks about that, if
    # a kernel that has started since wrote its language into the notebook.
    question = page.get_by_role("dialog").filter(has_text="before closing?")
    page.add_locator_handler(
        question, lambda _: question.get_by_role("button", name="Discard").click()
    )
    copy = page.get_by_role("tab", name="freed.ipynb")
    expect(copy).to_be_visible(timeout=LONG)
    copy.click()  # what closed last may have taken the focus with it
    moved = (
        "() => window.jupyterapp.shell.currentWidget?.context?.path === 'freed.ipynb'"
    )
    page.wait_for_function(moved, timeout=LONG)
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(page.locator(f"{PANEL} .jp-pipe-Strip")).to_contain_text(
        "Succeeded", timeout=LONG
    )
