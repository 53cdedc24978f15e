"""How the panel looks in its six main states: where its parts stand, in which colours,
none on another.

Of boxes that is compared which the style sets and no font changes, and of their pixels
the mean, which fonts change little, so that the pictures hold on every machine. In the
end the page is broken on purpose, to show that it is found. `looks.json` is written
anew by `UPDATE_LOOKS=1`; `make screenshots` shows the same states to people.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat
from playwright.sync_api import Page

from tests.browser.conftest import Lab, run_command
from tests.browser.matrix import set_width, show_state

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
EXPECTED = Path(__file__).with_name("looks.json")
STATES = ("untagged", "suggested", "broken", "failed", "many", "succeeded")
TOLERANCE = 3
# Of 255, in each of red, green and blue: another font moves the mean of a line of text
# by less than this.
COLOUR_TOLERANCE = 16

# Of each part: how far it stands from the panel's left edge, how high it is, and its
# box on the screen if it is not scrolled away.
BOXES = """parts => {
  const panel = document.querySelector('#jupyter-pipe-panel');
  const left = panel.getBoundingClientRect().left;
  const found = {};
  for (const part of parts) {
    const shown = [...panel.querySelectorAll(part)].find(node => node.checkVisibility());
    const box = shown?.getBoundingClientRect();
    const clips = box ? [...document.querySelectorAll('#jupyter-pipe-panel .jp-pipe-Section')]
      .filter(each => each.contains(shown)).map(each => each.getBoundingClientRect()) : [];
    const isSeen = clips.every(clip => box.top >= clip.top && box.bottom <= clip.bottom);
    found[part] = box && {
      look: [Math.round(box.left - left), Math.round(box.height)],
      box: isSeen && [box.left, box.top, box.right, box.bottom].map(Math.round),
    };
  }
  return found;
}"""
PARTS = (
    ".jp-pipe-Button.jp-mod-primary",
    ".jp-pipe-Strip .jp-pipe-state",
    ".jp-pipe-Segments",
    ".jp-pipe-Row-line",
    ".jp-pipe-Row .jp-pipe-state",
    ".jp-pipe-Row .jp-pipe-Bar",
    ".jp-pipe-Row-name",
    ".jp-pipe-Graph-open",
    ".jp-pipe-Run",
    ".jp-pipe-Run .jp-pipe-state",
    ".jp-pipe-Run-when",
    ".jp-pipe-Problem .jp-pipe-state",
)
# Rows of stages have the colour of their stage, and another ground where they are
# chosen; how much of the bar of segments is of one colour is a matter of seconds.
COLOURED = (
    ".jp-pipe-Button.jp-mod-primary",
    ".jp-pipe-Strip .jp-pipe-state",
    ".jp-pipe-Graph-open",
    ".jp-pipe-Run .jp-pipe-state",
    ".jp-pipe-Problem .jp-pipe-state",
)
# Texts and icons that lie on one another, or leave the panel; what is scrolled away is
# not seen.
FAULTS = """() => {
  const panel = document.querySelector('#jupyter-pipe-panel');
  const edge = panel.getBoundingClientRect();
  const clipped = node => {
    const box = node.getBoundingClientRect();
    let {left, right, top, bottom} = box;
    for (let up = node.parentElement; up && up !== panel; up = up.parentElement) {
      if (getComputedStyle(up).overflow !== 'visible') {
        const frame = up.getBoundingClientRect();
        [left, right] = [Math.max(left, frame.left), Math.min(right, frame.right)];
        [top, bottom] = [Math.max(top, frame.top), Math.min(bottom, frame.bottom)];
      }
    }
    return {left, right, top, bottom};
  };
  const isSeen = node => node.checkVisibility({opacityProperty: true, visibilityProperty: true});
  const hasText = node => [...node.childNodes].some(each => each.nodeType === 3 && each.data.trim());
  const texts = [...panel.querySelectorAll('*')].filter(node =>
    isSeen(node) && !node.closest('svg') && (hasText(node) || node.matches('.jp-pipe-state')));
  const boxes = texts.map(node => [node, clipped(node)])
    .filter(([, box]) => box.right > box.left && box.bottom > box.top);
  const name = node => `${node.className} "${node.textContent.trim().slice(0, 30)}"`;
  const faults = boxes.filter(([, box]) => box.right > edge.right + 1 || box.left < edge.left - 1)
    .map(([node]) => `${name(node)} leaves the panel`);
  boxes.forEach(([one, a], index) => {
    for (const [other, b] of boxes.slice(index + 1)) {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // The ellipsis of a line counts as part of the text before it, and lies where the rest would be.
      const isLine = one.parentElement === other.parentElement
        && getComputedStyle(one.parentElement).textOverflow === 'ellipsis';
      if (wide > 2 && high > 4 && !isLine && !one.contains(other) && !other.contains(one)) {
        faults.push(`${name(one)} and ${name(other)} lie on one another`);
      }
    }
  });
  return faults;
}"""


def looks_of(page: Page) -> dict[str, list[int] | None]:
    """Of each part its distance, its height, and the mean of its pixels if they are
    seen; None if it is not there."""
    before = None
    while (
        looks := _looks_now(page)
    ) != before:  # sections find their heights within some frames
        before = looks
    return looks


def _looks_now(page: Page) -> dict[str, list[int] | None]:
    found: dict[str, Any] = page.evaluate(BOXES, list(PARTS))
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    means = {
        part: _mean(picture, found[part]["box"]) for part in COLOURED if found[part]
    }
    return {
        part: each and [*each["look"], *means.get(part, [])]
        for part, each in found.items()
    }


def _mean(picture: Image.Image, box: list[int] | None) -> list[int]:
    return (
        [round(channel) for channel in ImageStat.Stat(picture.crop(box)).mean]
        if box
        else []
    )


def faults_of(page: Page) -> list[str]:
    found: list[str] = page.evaluate(FAULTS)
    return found


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Each part that stands elsewhere, or has another height or colour; a line each."""
    return [
        f"{part}: {found[part]} instead of {look}"
        for part, look in expected.items()
        if not _is_alike(found[part], look)
    ]


def _is_alike(now: list[int] | None, then: list[int] | None) -> bool:
    if now is None or then is None:
        return now is then
    far = list(map(_far, now, then))
    return max(far[:2]) <= TOLERANCE and max(far[2:], default=0) <= COLOUR_TOLERANCE


def _far(one: int, other: int) -> int:
    return abs(one - other)


def test_the_panel_looks_as_it_did_and_nothing_lies_on_anything(
    lab: Lab, page: Page
) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    seen: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    for state in STATES:
        show_state(lab, page, state)
        for width in (480, 320, 250):
            set_width(page, width)
            faults += [f"{state}, {width} px: {fault}" for fault in faults_of(page)]
        seen[state] = looks_of(page)
    assert faults == []
    if os.environ.get("UPDATE_LOOKS"):
        EXPECTED.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    assert [
        line for state in STATES for line in differences(seen[state], expected[state])
    ] == []
    check_that_it_bites(page, expected[STATES[-1]])


def check_that_it_bites(page: Page, expected: dict[str, Any]) -> None:
    """The page is in the last state; each style breaks it as styles have broken it
    before."""
    overlaps = (
        ".jp-pipe-Row-name { margin-left: -24px }",
        ".jp-pipe-Run-when { margin-right: -40px }",
    )
    moves = (
        ".jp-pipe-Row-line { padding-left: 20px !important }",
        ".jp-pipe-Run { height: 32px !important }",
        # One that stands elsewhere, and colours that are not ours any more.
        ".jp-pipe-Button.jp-mod-primary { margin-left: 12px }",
        ".jp-pipe-Button.jp-mod-primary { background: #c2185b !important }",
        ".jp-pipe-Run .jp-pipe-state { color: #c62828 !important }",
    )
    for style in (*overlaps, *moves):
        added = page.add_style_tag(content=style)
        found = (
            faults_of(page)
            if style in overlaps
            else differences(looks_of(page), expected)
        )
        assert found, style
        added.evaluate("node => node.remove()")
    assert faults_of(page) == []


# What stands in one line: tops and middles of toolbar buttons, left edges of the marks
# of all rows, and how high the message with "Undo" is beside the status bar that holds
# it.
LINES = """() => {
  const box = node => node.getBoundingClientRect();
  const middle = node => Math.round(box(node).top + box(node).height / 2);
  const all = selector => [...document.querySelectorAll(`#jupyter-pipe-panel ${selector}`)]
    .filter(node => node.checkVisibility());
  const undo = document.querySelector('.jp-pipe-Undo');
  return {
    buttons: all('.jp-pipe-Toolbar button').map(middle),
    icons: all('.jp-pipe-Toolbar .jp-pipe-IconButton svg').map(node => box(node).height),
    marks: all('.jp-pipe-Row-line > .jp-pipe-state, .jp-pipe-Run > .jp-pipe-state')
      .map(node => Math.round(box(node).left)),
    undo: undo && [box(undo).height, middle(undo) - middle(document.querySelector('#jp-main-statusbar'))],
  };
}"""


def test_small_things_stand_in_line(lab: Lab, page: Page) -> None:
    """People met a message 4 px high, icons beside their line, and runs that were
    indented for nothing."""
    show_state(lab, page, "succeeded")
    set_width(page, 480)
    run_command(page, "jupyter-pipe:assign-stage", stage="load")
    page.locator(".jp-pipe-Undo").wait_for()
    found: dict[str, Any] = page.evaluate(LINES)
    assert len(found["buttons"]) >= 4
    assert max(found["buttons"]) - min(found["buttons"]) <= 1
    assert set(found["icons"]) == {16}
    assert len(found["marks"]) >= 5
    assert len(set(found["marks"])) == 1
    height, off = found["undo"]
    assert height >= 16
    assert abs(off) <= 1
    page.locator(".jp-pipe-Undo button").click()
