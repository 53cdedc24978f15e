"""Everything has its room: sections as tall as what they hold, nothing over the graph,
popovers in the window, and in a long list the stage that runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab, activate_cell, run_command
from tests.browser.matrix import PANEL

pytestmark = [pytest.mark.browser]
Open = Callable[[str], Page]
LONG = 240_000
# Height of what a section shows, and of what it holds, by its name; a closed one shows
# nothing.
SECTIONS = """panel => Object.fromEntries([...panel.querySelectorAll('.jp-pipe-Section')].map(section => {
    const held = [...section.children].reduce((sum, child) => sum + child.scrollHeight, 0);
    return [section.id.replace('jp-pipe-section-', ''), [section.clientHeight, held]];
}))"""
OVERLAPPED = """panel => {
  const icon = panel.querySelector('.jp-pipe-Graph-open').getBoundingClientRect();
  return [...panel.querySelectorAll('.jp-pipe-Node')].filter(node => {
    const box = node.getBoundingClientRect();
    return box.left < icon.right && icon.left < box.right && box.top < icon.bottom && icon.top < box.bottom;
  }).map(node => node.dataset.stage);
}"""

# Whether one of these stages runs, and all of its row is in view. Rows far out of view
# are not even there.
RUNS_IN_VIEW = """names => {
  const rows = [...document.querySelectorAll('#jupyter-pipe-panel .jp-pipe-Row')];
  const row = rows.find(each => /running/i.test(each.getAttribute('aria-label')));
  if (!names.includes(row?.id.replace('jp-pipe-stage-', ''))) {
    return false;
  }
  const section = row.closest('.jp-pipe-Section').getBoundingClientRect();
  const box = row.getBoundingClientRect();
  return box.top >= section.top && box.bottom <= section.bottom;
}"""


def test_sections_are_as_tall_as_what_they_hold(lab: Lab, narrow: Open) -> None:
    lab.write(
        "short.ipynb",
        ("a = 1", "stage:one"),
        ("b = a", "stage:two"),
        ("c = a", "stage:three"),
    )
    page = narrow("short.ipynb")
    panel = page.locator(PANEL)
    expect(panel.locator(".jp-pipe-Node")).to_have_count(3, timeout=LONG)
    assert panel.evaluate(OVERLAPPED) == []
    page.wait_for_function(
        f"({SECTIONS})(document.querySelector('{PANEL}')).stages?.every((height, i, all) => all[0] >= all[1])"
    )
    shown = panel.evaluate(SECTIONS)
    open_ = {name: heights for name, heights in shown.items() if heights[0] > 0}
    assert all(height >= held for height, held in open_.values()), open_
    # Nothing has run: no count of what is done, and the list of runs takes no more than
    # its words.
    assert "0 of" not in (panel.text_content() or "")
    assert shown["runs"][0] <= shown["runs"][1] + 60


@pytest.mark.parametrize("width", [1280, 900])
def test_popovers_stay_in_the_window(lab: Lab, narrow: Open, width: int) -> None:
    """At the last cell of the screen, and in a window that hardly has room."""
    lab.write(
        "many.ipynb",
        *((f"x{number} = {number}", f"stage:s{number}") for number in range(14)),
    )
    page = narrow("many.ipynb")
    page.set_viewport_size({"width": width, "height": 620})
    for cell in (
        page.locator(".jp-CodeCell").nth(0),
        page.locator(".jp-CodeCell:visible").last,
    ):
        activate_cell(page, cell)
        for command in ("jupyter-pipe:pick-stage", "jupyter-pipe:stage-options"):
            run_command(page, command)
            popover = page.locator(".jp-pipe-Popover")
            expect(popover).to_be_visible()
            box = popover.bounding_box()
            assert box is not None
            assert min(box["x"], box["y"]) >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= 620
            page.keyboard.press("Escape")
            expect(popover).to_have_count(0)


@pytest.mark.kernel
def test_the_list_follows_the_stage_that_runs(lab: Lab, narrow: Open) -> None:
    # Names that have nothing in common: stages that differ by a number are shown as one
    # row.
    names = [f"{first}{second}{first}" for first in "abcdef" for second in "uvwxyz"]
    chain = [("import time\nx = 0", "stage:start")]
    chain += [
        (f"time.sleep(0.5)\nx = x + {len(name)}", f"stage:{name}") for name in names
    ]
    lab.write("chain.ipynb", *chain)
    page = narrow("chain.ipynb")
    expect(page.locator(f"{PANEL} .jp-pipe-Row").first).to_be_visible(timeout=LONG)
    run_command(page, "jupyter-pipe:compile-and-run")
    page.wait_for_function(RUNS_IN_VIEW, arg=names[15:], timeout=LONG)
