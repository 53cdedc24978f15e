"""*Run on…* in a real JupyterLab, with an Airflow on this machine."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit.following import is_followed
from tests.browser.conftest import Lab, go_to_notebook, make_lab, run_command
from tests.engines.standalone import Standalone, standalone
from tests.engines.trial import LIMIT_SECONDS, wait

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.browser,
    pytest.mark.timeout(2 * LIMIT_SECONDS),
]
PATIENCE_MS = LIMIT_SECONDS * 500
# A stage that goes on until there is a file: the test decides what is seen.
WAIT = "import pathlib, time\nwhile not pathlib.Path({0!r}).exists():\n    time.sleep(0.05)\nx = 1"


@pytest.fixture
def airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standalone]:
    """Airflow, configured as `team`. Nobody has to log in."""
    path = tmp_path / "config" / "jupyter_pipe" / "engines.toml"
    path.parent.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    program = Path(os.environ["AIRFLOW_PYTHON"]).with_name("airflow")
    with standalone(tmp_path / "airflow", program) as running:
        path.write_text(
            f'[team]\nengine = "airflow"\nurl = "{running.address}"\ndags = "{running.dags}"\n'
        )
        yield running


@pytest.fixture
def lab(tmp_path: Path, airflow: Standalone) -> Iterator[Lab]:
    folder, state = tmp_path / "work", tmp_path / "state"
    folder.mkdir()
    running = make_lab(folder, state)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def browser_page() -> Iterator[Page]:
    """A page whose browser ends with the test: its loop must not be there for the tests
    after this one."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--disable-gpu", "--disable-dev-shm-usage", "--no-sandbox"],
        )
        yield browser.new_page(viewport={"width": 1400, "height": 900})
        browser.close()


def started(page: Page, lab: Lab) -> str:
    """Run the notebook on `team` from the palette's command, and wait until the sidebar
    shows it."""
    before = set(RunStore(lab.folder).ids())
    run_command(page, "jupyter-pipe:show-panel")
    page.get_by_role("button", name="More ways to run").click()
    page.get_by_role("menuitem", name="Run on…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("team (Apache Airflow 3)").check()
    dialog.get_by_role("button", name="Run").click()
    wait(lambda: bool(set(RunStore(lab.folder).ids()) - before))
    (run_id,) = set(RunStore(lab.folder).ids()) - before
    expect(
        page.locator(".jp-pipe-Strip").get_by_role("link", name="In Apache Airflow 3")
    ).to_be_visible(timeout=PATIENCE_MS)
    return run_id


def shown(page: Page, state: str, stage: str) -> float:
    """Wait until the sidebar shows the stage in the state: when that was, in UTC
    seconds."""
    row = page.locator(f'.jp-pipe-Row[aria-label^="{state}, {stage}"]')
    expect(row).to_be_visible(timeout=PATIENCE_MS)
    return time.time()


def test_a_notebook_is_run_on_airflow_from_jupyterlab(
    airflow: Standalone,
    lab: Lab,
    browser_page: Page,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = browser_page
    go = lab.folder / "go"
    lab.write(
        "flow.ipynb",
        (WAIT.format(str(go)), "stage:load"),
        ("best = x + 1", "stage:fit", "metric:best"),
    )
    go_to_notebook(page, lab, "flow.ipynb")
    cancelled = started(page, lab)
    shown(page, "running", "load")
    run_command(page, "jupyter-pipe:cancel")
    expect(page.locator(".jp-pipe-Strip")).to_contain_text(
        "Cancelled", timeout=PATIENCE_MS
    )
    wait(lambda: not is_followed(RunStore(lab.folder).folder(cancelled)))
    (dag,) = [path.stem for path in airflow.dags.glob("*.py")]
    assert airflow.ask(f"/dags/{dag}/dagRuns/{cancelled}")["state"] == "failed"

    run_id = started(page, lab)
    # Measured with a server that has answered such questions before. Its worker
    # prepares itself first: then the stage is one that waits, with Airflow's own word.
    says_so = re.compile("^queued, load, .*: running$|^running, load")
    row = page.locator("#jp-pipe-stage-load")
    expect(row).to_have_attribute("aria-label", says_so, timeout=PATIENCE_MS)
    seen = {"load starts": time.time()}
    shown(page, "running", "load")
    go.touch()
    seen["load ends"] = shown(page, "succeeded", "load")
    seen["fit ends"] = shown(page, "succeeded", "fit")
    expect(page.locator(".jp-pipe-Strip")).to_contain_text(
        "Succeeded", timeout=PATIENCE_MS
    )
    place = f"/dags/{dag}/dagRuns/{run_id}"
    wait(lambda: airflow.ask(place)["state"] == "success")
    tasks = {
        task["task_id"]: task
        for task in airflow.ask(f"{place}/taskInstances")["task_instances"]
    }
    with capsys.disabled():
        for what, at in seen.items():
            name, end = what.split()
            told = tasks[name]["start_date" if end == "starts" else "end_date"]
            print(
                f"\n{what}: seen {at - datetime.fromisoformat(told).timestamp():+.1f} s after Airflow's",
                end="",
            )
    expect(page.locator(".jp-pipe-Run-note").first).to_contain_text("best 2")
