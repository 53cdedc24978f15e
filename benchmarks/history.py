"""What a long history costs: `python -m benchmarks.history [--runs 2000]`, from the
folder of the project.

The list as the server reads it, for the first time and again; in a real JupyterLab from
the answer of the server to the first rows on the screen, and from a key in the search
field to the rows that it leaves.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from jupyter_pipe import events as ev
from jupyter_pipe.model import Pipeline, Source, Stage
from jupyter_pipe.runs import RunFacts, RunStore
from jupyter_pipe.server.paths import Root
from jupyter_pipe.server.runs.service import RunService
from jupyter_pipe.server.runs.watcher import RunWatcher
from tests.browser.conftest import Lab, go_to_notebook, make_lab, run_command

WORDS = "mae 17"
# When the first row of a run was drawn, and when the server's answer had come.
WATCH = """() => {
  const observer = new MutationObserver(() => {
    if (document.querySelector('.jp-pipe-Run')) {
      observer.disconnect();
      requestAnimationFrame(() => { window.firstRun = performance.now(); });
    }
  });
  document.addEventListener('DOMContentLoaded', () =>
    observer.observe(document.body, {subtree: true, childList: true}));
}"""
ANSWERED = """() => {
  const answers = performance.getEntriesByType('resource')
    .filter(each => /jupyter-pipe\\/runs\\?/.test(each.name) && each.responseEnd < window.firstRun);
  return window.firstRun - Math.max(...answers.map(each => each.responseEnd));
}"""
TYPE = """async text => {
  const field = document.querySelector('input[type=search].jp-pipe-Input');
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  const began = performance.now();
  set.call(field, text);
  field.dispatchEvent(new Event('input', {bubbles: true}));
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""


def make_history(notebook: Path, count: int) -> None:
    """So many runs of a notebook of one stage; nothing is executed."""
    store = RunStore(notebook.parent)
    stage = Stage(
        "fit", cells=("c0",), module="flow/fit.py", notebook="notebooks/fit.ipynb"
    )
    pipeline = Pipeline(
        1, notebook.stem, "python3", Source(notebook.name, "x"), stages=(stage,)
    )
    for number in range(count):
        writer = store.create(pipeline, RunFacts(notebook=str(notebook)))
        for event in (
            ev.RunQueued(writer.run_id, notebook.stem, ("fit",)),
            ev.RunStarted(pid=1, workers=1),
            ev.StageStarted("fit"),
            ev.MetricLogged("fit", "mae", number / 7),
            ev.StageFinished("fit", seconds=1.0),
            ev.RunFinished(ev.RunState.succeeded, exit_code=0, seconds=1.0),
        ):
            writer.append(event)
        writer.close()


def measure_list(folder: Path, notebook: str) -> tuple[float, float]:
    """CPU milliseconds of the list, for the first time and again."""
    service = RunService(Root(folder), RunWatcher(lambda change: None))
    costs = []
    for _ in range(2):
        began = time.process_time()
        service.list("", notebook)
        costs.append(1000 * (time.process_time() - began))
    return costs[0], costs[1]


def measure_page(lab: Lab, page: Page, notebook: str) -> tuple[float, list[float]]:
    """Milliseconds from the answer to the first rows, and of each key in the search
    field."""
    page.add_init_script(f"({WATCH})()")
    go_to_notebook(page, lab, notebook)
    run_command(page, "jupyter-pipe:show-panel")
    page.wait_for_function("() => window.firstRun > 0", timeout=300_000)
    first = float(page.evaluate(ANSWERED))
    page.evaluate(TYPE, "x")  # the texts that are searched are made once
    keys = [
        float(page.evaluate(TYPE, WORDS[:length]))
        for length in range(1, len(WORDS) + 1)
    ]
    return first, keys


def main() -> None:
    """Make the history, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    count = parser.parse_args().runs
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        lab = make_lab(Path(work) / "work", Path(work) / "state")
        lab.folder.mkdir()
        make_history(
            lab.write("flow.ipynb", ("mae = 1", "stage:fit", "metric:mae")), count
        )
        cold, warm = measure_list(lab.folder, "flow.ipynb")
        lab.start()
        try:
            options = ["--no-sandbox", "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path=chromium, args=options)
            first, keys = measure_page(lab, browser.new_page(), "flow.ipynb")
            browser.close()
        finally:
            lab.stop()
    sys.stdout.write(
        f"{count} runs: list {cold:.0f} ms of CPU, again {warm:.0f} ms; from the answer to the screen "
        f"{first:.0f} ms; a key in the search {statistics.median(keys):.0f} ms, at most {max(keys):.0f} ms\n"
    )


if __name__ == "__main__":
    main()
