"""What `make screenshots` shows to people is held here: every state can be read at
every width and theme.

Nothing is cut without a sign, nothing leaves its place or lies on anything, "…" can be
clicked, every text stands out, also under the pointer, and axe has nothing to say.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.axe import violations
from tests.browser.conftest import Lab, run_command
from tests.browser.legibility import cut_texts, hovered, pale_texts
from tests.browser.matrix import (
    PANEL,
    SIZES,
    STATES,
    THEMES,
    WIDTHS,
    set_width,
    show_state,
)
from tests.browser.test_looks import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
# Ours beside the panel; a chip stands in the notebook, which has a width of its own.
BESIDE = (
    ".jp-pipe-Chip",
    ".jp-pipe-Failure",
    ".jp-pipe-RunButton",
    ".jp-pipe-Values",
    ".jp-pipe-Status",
)
HOVERED = tuple(
    f".jp-pipe-{name}"
    for name in ("Button", "Link", "Row", "Run", "IconButton", "Node", "Chip")
)

# Whether a click on the middle of "…" hits it.
MORE = """panel => {
  const more = document.querySelector(`${panel} .jp-pipe-Toolbar [aria-label="More"]`);
  if (!more) {
    return document.querySelector(`${panel} [aria-label="Suggestion"]`) !== null;
  }
  const box = more.getBoundingClientRect();
  return more.contains(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2));
}"""


def set_theme(page: Page, theme: str) -> None:
    """Change the theme, and wait until its style sheet is there."""
    run_command(page, "apputils:change-theme", theme=theme)
    # A splash lies over the page meanwhile, and fades.
    is_there = "name => document.body.dataset.jpThemeName === name && !document.querySelector('#jupyterlab-splash')"
    page.wait_for_function(is_there, arg=theme)


def faults(page: Page) -> Iterator[str]:
    """What is wrong with the page as it stands."""
    yield from faults_of(page)
    yield from cut_texts(page, PANEL)
    yield from pale_texts(page, PANEL, *BESIDE)
    if not page.evaluate(MORE, PANEL):
        yield "More cannot be clicked"


def everywhere(page: Page) -> Iterator[tuple[str, str]]:
    """Each place and what is wrong there."""
    for name, theme in THEMES.items():
        set_theme(page, theme)
        for size in SIZES:
            page.set_viewport_size(size)
            for width in reversed(WIDTHS):
                set_width(page, width)
                for fault in faults(page):
                    yield f"{name}, {size['width']}, {width}", fault
        with hovered(page, HOVERED):
            for fault in pale_texts(page, PANEL, *BESIDE):
                yield f"{name}, under the pointer", fault
        present = [part for part in BESIDE if page.locator(part).count() > 0]
        for fault in violations(page, PANEL, *present):
            yield f"{name}, axe", fault


@pytest.mark.parametrize("state", STATES)
def test_every_state_can_be_read(lab: Lab, page: Page, state: str) -> None:
    first: ViewportSize = SIZES[0]
    page.set_viewport_size(first)
    show_state(lab, page, state)
    wrong: dict[str, list[str]] = {}
    for place, fault in everywhere(page):
        wrong.setdefault(fault, []).append(place)
    set_theme(page, THEMES["light"])
    assert wrong == {}
    check_that_it_bites(page)


def check_that_it_bites(page: Page) -> None:
    """Each style breaks the panel as styles have broken it before."""
    for style in (
        f"{PANEL} strong, {PANEL} .jp-pipe-Button-label {{ color: #aaa !important; background: #fff }}",
        f"{PANEL} .jp-pipe-Button {{ max-width: 20px; overflow: hidden }}",
        f"{PANEL} [aria-label=More], {PANEL} .jp-pipe-Toolbar {{ transform: translateX(-120px) }}",
        f"{PANEL} .jp-pipe-Toolbar {{ opacity: 0.4 }}",
    ):
        added = page.add_style_tag(content=style)
        assert list(faults(page)), style
        added.evaluate("node => node.remove()")
    assert list(faults(page)) == []
