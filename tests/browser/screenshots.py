"""Takes the pictures of docs/images: `python -m tests.browser.screenshots
[run|failure|many|tutorial]…`.

No test: it shows the example notebook in a real JupyterLab for people to look at.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, Playwright, ViewportSize, sync_playwright

from tests.browser.conftest import ROOT, Lab, go_to_notebook, make_lab, run_command

IMAGES = ROOT / "docs" / "images"
SIZE: ViewportSize = {"width": 1400, "height": 900}
LONG = 300_000


def main() -> None:
    """Take all pictures, or those of the stories that are named."""
    with tempfile.TemporaryDirectory() as folder:
        lab = make_lab(Path(folder) / "work", Path(folder) / "state")
        lab.folder.mkdir()
        for example in (ROOT / "example_notebooks").glob("home_*"):
            if example.is_file():
                shutil.copy(example, lab.folder)
        lab.start()
        try:
            with sync_playwright() as playwright:
                take(lab, playwright, sys.argv[1:])
        finally:
            lab.stop()


def take(lab: Lab, playwright: Playwright, names: list[str]) -> None:
    """Drive one browser through the stories."""
    from tests.browser.tutorial import take_tutorial

    stories = {
        "run": take_run,
        "failure": take_failure,
        "many": take_many,
        "tutorial": take_tutorial,
    }
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    browser = playwright.chromium.launch(
        executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
    )
    page = browser.new_page(viewport=SIZE, reduced_motion="reduce")
    for name in names or stories:
        stories[name](lab, page)
    browser.close()


def take_run(lab: Lab, page: Page) -> None:
    """A run under way, in light and dark."""
    show(lab, page, "home_value.ipynb", width=330)
    run_command(page, "jupyter-pipe:go-to-stage", stage="features")
    run_command(page, "jupyter-pipe:compile-and-run")
    page.wait_for_selector('.jp-pipe-Row[aria-label^="running, forest"]', timeout=LONG)
    save(page, "lab-run")
    dark(page, on=True)
    save(page, "lab-run-dark")
    dark(page, on=False)
    page.wait_for_selector('.jp-pipe-Strip:has-text("Succeeded")', timeout=LONG)


def take_failure(lab: Lab, page: Page) -> None:
    """A failing cell."""
    lab.write(
        "failing.ipynb",
        ("import statistics",),
        ("sales = [318_000, 402_500, None, 287_000]", "stage:ingest"),
        ("ridge = statistics.median(p for p in sales if p)", "stage:ridge"),
        ("LOSS = 'absolute_error'", "stage:boosting"),
        ("total = 0\ntotal = sum(sales)",),
        ("print(ridge, total)", "stage:evaluate"),
        markdown={2: "## Two models, side by side"},
    )
    show(lab, page, "failing.ipynb", width=330)
    run_command(page, "jupyter-pipe:compile-and-run")
    page.wait_for_selector(".jp-pipe-Failure", timeout=LONG)
    page.wait_for_selector('.jp-pipe-Strip:has-text("Failed")', timeout=LONG)
    save(page, "lab-failure")
    dark(page, on=True)
    save(page, "lab-failure-dark")
    dark(page, on=False)


def take_many(lab: Lab, page: Page) -> None:
    """Sixty stages in a narrow panel."""
    fit = [
        (f"fit_{number:02} = x * {number}", f"stage:fit_{number:02}")
        for number in range(24)
    ]
    tune = [
        (f"tune_{number:02} = best + {number}", f"stage:tune_{number:02}")
        for number in range(20)
    ]
    names = ", ".join(f"fit_{number:02}" for number in range(24))
    chosen = ", ".join(f"tune_{number:02}" for number in range(20))
    rest = [
        (f"r{number} = final + {number}", f"stage:report_{number}")
        for number in range(13)
    ]
    lab.write(
        "regions.ipynb",
        ("x = 1", "stage:fetch"),
        *fit,
        (f"best = max({names})", "stage:join"),
        *tune,
        (f"final = max({chosen})", "stage:rank"),
        *rest,
    )
    page.set_viewport_size({"width": 900, "height": 900})
    show(lab, page, "regions.ipynb", width=245)
    run_command(page, "jupyter-pipe:compile-and-run")
    under_way = "/(1[5-9]|2[0-9]) of 60/.test(document.querySelector('.jp-pipe-Strip').textContent)"
    page.wait_for_function(under_way, timeout=LONG)
    save(page, "lab-narrow")
    run_command(page, "jupyter-pipe:cancel")
    page.wait_for_selector('.jp-pipe-Strip:has-text("Cancelled")', timeout=LONG)


def show(lab: Lab, page: Page, path: str, *, width: int) -> None:
    """Open a notebook with the panel at its side, so wide."""
    go_to_notebook(page, lab, path)
    run_command(page, "jupyter-pipe:show-panel")
    page.wait_for_selector(".jp-pipe-Row", timeout=LONG)
    box = page.locator("#jp-left-stack").bounding_box()
    if box:
        edge = box["x"] + box["width"] + 2
        page.mouse.move(edge, 500)
        page.mouse.down()
        page.mouse.move(box["x"] + width, 500, steps=4)
        page.mouse.up()


def dark(page: Page, *, on: bool) -> None:
    """Change the theme."""
    run_command(
        page,
        "apputils:change-theme",
        theme="JupyterLab Dark" if on else "JupyterLab Light",
    )
    page.wait_for_function(
        f"document.body.dataset.jpThemeLight === '{str(not on).lower()}'"
    )
    page.wait_for_timeout(500)


def save(page: Page, name: str) -> None:
    """Write the picture once nothing moves; 256 colours keep it small and look the
    same."""
    from PIL import Image

    page.wait_for_timeout(500)
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    taken.quantize(
        256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
    ).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
