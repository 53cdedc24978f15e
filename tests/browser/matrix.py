"""Pictures of the main states at every width, size and theme: `make screenshots`, to be
looked at.

`python -m tests.browser.matrix [FOLDER [STATE]…]` writes STATE-SIZE-WIDTH-THEME.png and
a sheet of all pictures of a state into the folder (`build/screenshots`). No test:
`test_looks` holds the layout.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.browser.conftest import ROOT, Lab, go_to_notebook, make_lab, run_command

__all__ = [
    "PANEL",
    "SIZES",
    "STATES",
    "THEMES",
    "WIDTHS",
    "run_once",
    "set_width",
    "show_state",
]

WIDTHS = (250, 320, 480)
SIZES: tuple[ViewportSize, ...] = (
    {"width": 1280, "height": 800},
    {"width": 1920, "height": 1080},
)
THEMES = {
    "light": "JupyterLab Light",
    "dark": "JupyterLab Dark",
    "contrast": "JupyterLab Dark High Contrast",
}
PANEL = "#jupyter-pipe-panel"
LONG = 300_000

SALES = """\
import pandas as pd
sales = pd.DataFrame({"city": ["Ulm", "Bonn"] * 20, "price": range(40)})
settings = {"depth": depth}"""
GOOD = (
    ("depth: int = 3", "parameters"),
    (SALES, "stage:load"),
    (
        "mean_price = sales.price.mean() * settings['depth']",
        "stage:customer_lifetime_value",
    ),
    ("dearest = sales.price.max()", "stage:dearest"),
    ("mae = mean_price / dearest", "stage:evaluate", "metric:mae", "gate:mae < 99"),
)
# Goes on until the next state is asked for, and not for ever where none is.
GO = "look_running.go"
LASTS = f"""\
import pathlib, time
for _ in range(6000):
    if pathlib.Path({GO!r}).exists():
        break
    time.sleep(0.05)"""
BAD = (("x = 1", "stage:load"), ("y = x / 0", "stage:fit"), ("print(y)", "stage:show"))


def _untagged(lab: Lab, page: Page) -> None:
    lab.write(
        "look_untagged.ipynb", ("import math\nx = 3",), ("y = math.sqrt(x)\nprint(y)",)
    )
    _open(lab, page, "look_untagged.ipynb")


def _suggested(lab: Lab, page: Page) -> None:
    _untagged(lab, page)
    run_command(page, "jupyter-pipe:suggest-stages")
    page.get_by_role("button", name="Accept").first.wait_for(timeout=LONG)


def _broken(lab: Lab, page: Page) -> None:
    lab.write("look_broken.ipynb", ("a = 1", "stage:one"), ("print(b)", "stage:two"))
    _open(lab, page, "look_broken.ipynb")
    page.locator(f"{PANEL} .jp-pipe-Problem").wait_for(timeout=LONG)


def _failed(lab: Lab, page: Page) -> None:
    if not (lab.folder / "look_failed.ipynb").exists():
        lab.write("look_failed.ipynb", *BAD)
    _open(lab, page, "look_failed.ipynb")
    _run_unless_known(page, "Failed")
    page.locator(".jp-pipe-Failure").wait_for(timeout=LONG)


def _succeeded(lab: Lab, page: Page, path: str = "look_good.ipynb") -> None:
    if not (lab.folder / path).exists():
        lab.write(path, *GOOD)
    _open(lab, page, path)
    _run_unless_known(page, "Succeeded")


def _running(lab: Lab, page: Page) -> None:
    (lab.folder / GO).unlink(missing_ok=True)
    lab.write(
        "look_running.ipynb",
        ("x = 1", "stage:load"),
        (LASTS, "stage:fit"),
        ("print(x)", "stage:show"),
    )
    _open(lab, page, "look_running.ipynb")
    run_command(page, "jupyter-pipe:run-without-cache")
    page.locator(f"{PANEL} .jp-pipe-Row[aria-label^='running, fit']").wait_for(
        timeout=LONG
    )


def _empty(lab: Lab, page: Page) -> None:
    lab.write("look_empty.ipynb", ("",))
    _open(lab, page, "look_empty.ipynb")
    page.locator(PANEL, has_text="the notebook has no code").wait_for(timeout=LONG)


def _values(lab: Lab, page: Page) -> None:
    _succeeded(lab, page)
    run_command(page, "jupyter-pipe:show-values", stage="load")
    page.locator(".jp-pipe-Values-head").wait_for(timeout=LONG)


def _older(lab: Lab, page: Page) -> None:
    # Of its own: the newest run of the other is one that computed everything.
    _succeeded(lab, page, "look_older.ipynb")
    while page.locator(f"{PANEL} .jp-pipe-Run").count() < 2:
        run_once(page, "Succeeded")
    page.locator(f"{PANEL} .jp-pipe-Run-when").last.click()
    page.get_by_role("button", name="Back to the newest").wait_for(timeout=LONG)


def _many(lab: Lab, page: Page) -> None:
    names = [f"region_{number:02}" for number in range(1, 25)]
    fits = [
        (f"{name} = x * {number}", f"stage:{name}") for number, name in enumerate(names)
    ]
    lab.write(
        "look_many.ipynb",
        ("x = 1", "stage:fetch"),
        *fits,
        (f"best = max({', '.join(names)})", "stage:customer_lifetime_value"),
    )
    _open(lab, page, "look_many.ipynb")
    page.locator(f"{PANEL} .jp-pipe-Node").first.wait_for(timeout=LONG)


STATES: dict[str, Callable[[Lab, Page], None]] = {
    "empty": _empty,
    "untagged": _untagged,
    "suggested": _suggested,
    "broken": _broken,
    "failed": _failed,
    "running": _running,
    "succeeded": _succeeded,
    "values": _values,
    "older": _older,
    "many": _many,
}


def show_state(lab: Lab, page: Page, name: str) -> None:
    """Bring the page into a state, with the panel beside the notebook and no
    notification over it."""
    (lab.folder / GO).touch()
    STATES[name](lab, page)
    page.evaluate(
        "window.jupyterapp.commands.execute('apputils:dismiss-all-notifications').catch(() => {})"
    )


def set_width(page: Page, width: int) -> None:
    """Drag the edge of the panel, as a user does."""
    is_there = "width => Math.abs(document.querySelector('#jp-left-stack').offsetWidth - width) < 3"
    for _ in range(
        5
    ):  # a window that has just changed its size is laid out in the next frames
        page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        if page.evaluate(is_there, width):
            return
        _drag_edge(page, width)
    # The frame may keep a pixel for its edge.
    page.wait_for_function(is_there, arg=width)


def _drag_edge(page: Page, width: int) -> None:
    stack = page.locator("#jp-left-stack")
    handle = page.locator(
        "#jp-main-split-panel > .lm-SplitPanel-handle:not(.lm-mod-hidden)"
    ).first
    box, grip = stack.bounding_box(), handle.bounding_box()
    assert box is not None
    assert grip is not None
    at = grip["x"] + grip["width"] / 2
    page.mouse.move(at, 400)
    page.mouse.down()
    page.mouse.move(at + width - box["width"], 400, steps=3)
    page.mouse.up()
    page.mouse.move(box["x"] + width + 300, 780)


def _open(lab: Lab, page: Page, path: str) -> None:
    go_to_notebook(page, lab, path)
    run_command(page, "jupyter-pipe:show-panel")
    page.locator(f"{PANEL} .jp-pipe-Toolbar").wait_for(timeout=LONG)


def _run_unless_known(page: Page, state: str) -> None:
    """A run that an earlier picture has stored is as good as a new one."""
    page.locator(
        f"{PANEL} .jp-pipe-Run, {PANEL} .jp-pipe-Section-runs .jp-pipe-Empty"
    ).first.wait_for(timeout=LONG)
    if page.locator(f"{PANEL} .jp-pipe-Run").count() == 0:
        run_once(page, state)
    page.locator(f"{PANEL} .jp-pipe-Strip", has_text=state).wait_for(timeout=LONG)


def run_once(page: Page, state: str) -> None:
    """Run, and wait until the panel says how it ended."""
    before = page.locator(f"{PANEL} .jp-pipe-Run").count()
    run_command(page, "jupyter-pipe:compile-and-run")
    counted = "([before, panel]) => document.querySelectorAll(`${panel} .jp-pipe-Run`).length > before"
    page.wait_for_function(counted, arg=[before, PANEL], timeout=LONG)
    page.locator(f"{PANEL} .jp-pipe-Strip", has_text=state).wait_for(timeout=LONG)


def _take(lab: Lab, page: Page, folder: Path, name: str) -> Iterator[Path]:
    show_state(lab, page, name)
    for theme, called in THEMES.items():
        run_command(page, "apputils:change-theme", theme=called)
        page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name", arg=called
        )
        for size in SIZES:
            page.set_viewport_size(size)
            for width in WIDTHS:
                set_width(page, width)
                page.wait_for_timeout(
                    300
                )  # until what is drawn in the next frames is drawn
                path = folder / f"{name}-{size['width']}-{width}-{theme}.png"
                page.screenshot(path=path)
                yield path
    run_command(page, "apputils:change-theme", theme=THEMES["light"])


def _write_sheet(paths: list[Path], target: Path) -> None:
    """All pictures of a state in one, three in a row."""
    from PIL import Image

    pictures = [
        Image.open(io.BytesIO(path.read_bytes())).convert("RGB") for path in paths
    ]
    for picture in pictures:
        picture.thumbnail((960, 600))
    sheet = Image.new("RGB", (3 * 960, -(-len(pictures) // 3) * 600), "white")
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % 3 * 960, number // 3 * 600))
    sheet.save(target)


def main() -> None:
    """Take the pictures of all states, or of those that are named."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        lab = make_lab(Path(work) / "work", Path(work) / "state")
        lab.folder.mkdir()
        lab.start()
        try:
            options = ["--no-sandbox", "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path=chromium, args=options)
            page = browser.new_page(viewport=SIZES[0], reduced_motion="reduce")
            for name in sys.argv[2:] or STATES:
                _write_sheet(
                    list(_take(lab, page, folder, name)), folder / f"{name}.png"
                )
                print(f"{folder / name}.png")
            browser.close()
        finally:
            lab.stop()


if __name__ == "__main__":
    main()
