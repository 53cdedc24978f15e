"""Run on…: a notebook handed to another engine from the notebook, in a server that
speaks Airflow's API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit.following import is_followed
from tests.browser.conftest import Lab, go_to_notebook, make_lab, run_command
from tests.serving.service import until
from tests.submit.fake_airflow import FakeAirflow, configured

pytestmark = pytest.mark.browser
LONG = 240_000


@pytest.fixture
def airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAirflow]:
    """A server that is configured as `nightly`, and nothing else that can be used."""
    told = (
        "[nightly]\nengine = 'airflow'\nurl = '{url}'\ndags = '{dags}'\nseconds = 0.3\n"
    )
    with configured(tmp_path, monkeypatch, told) as (server, _):
        server.reads = False
        yield server


@pytest.fixture
def lab_of_airflow(airflow: FakeAirflow, tmp_path: Path) -> Iterator[Lab]:
    folder, state = tmp_path / "work", tmp_path / "state"
    folder.mkdir()
    running = make_lab(folder, state)
    running.start()
    yield running
    running.stop()


def test_a_notebook_is_run_on_airflow(
    lab_of_airflow: Lab, airflow: FakeAirflow, page: Page
) -> None:
    lab = lab_of_airflow
    lab.write(
        "flow.ipynb",
        ("n: int = 1", "parameters"),
        ("x = n", "stage:load"),
        ("y = x", "stage:fit"),
    )
    go_to_notebook(page, lab, "flow.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    page.locator(".jp-pipe-Parameters input").fill("7")
    page.get_by_role("button", name="More ways to run").click()
    page.get_by_role("menuitem", name="Run on…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("nightly (Apache Airflow 3)")).to_be_checked()
    expect(dialog.get_by_role("radio", name=re.compile("^Prefect 3"))).to_be_disabled()
    expect(dialog).to_contain_text("Nobody says where Prefect's API is.")
    expect(dialog.get_by_label("n", exact=True)).to_have_value("7")
    dialog.get_by_role("button", name="Run").click()
    strip = page.locator(".jp-pipe-Strip")
    link = strip.get_by_role("link", name="In Apache Airflow 3")
    expect(link).to_be_visible(timeout=LONG)
    # Why the first stage waits: Airflow has not read the DAG yet.
    expect(page.locator('.jp-pipe-Row[aria-label^="queued, load"]')).to_contain_text(
        "has not read flow-"
    )
    airflow.reads = True
    expect(page.locator('.jp-pipe-Row[aria-label^="queued, load"]')).to_contain_text(
        "Apache Airflow 3: queued"
    )
    (run_id,) = airflow.runs
    assert airflow.runs[run_id]["conf"] == {"n": 7}
    assert str(link.get_attribute("href")).endswith(f"/runs/{run_id}")
    airflow.is_down = True
    expect(strip).to_contain_text("out of sight since")
    airflow.is_down = False
    expect(strip).not_to_contain_text("out of sight since")
    run_command(page, "jupyter-pipe:cancel")
    expect(strip).to_contain_text("Cancelled", timeout=LONG)
    assert airflow.runs[run_id]["note"] == "Cancelled by jupyter pipe."
    folder = RunStore(lab.folder).folder(run_id)
    until(
        lambda: not is_followed(folder), "the end of the process that followed the run"
    )


def test_several_notebooks_are_run_on_airflow(
    lab_of_airflow: Lab, airflow: FakeAirflow, page: Page
) -> None:
    lab = lab_of_airflow
    lab.write(
        "ingest.ipynb",
        ("n: int = 1", "parameters"),
        ("x = n", "stage:load", "shares:x"),
    )
    lab.write("report.ipynb", ("y = x", "stage:fit"))
    (lab.folder / "pipeline.toml").write_text(
        'name = "flow"\nnotebooks = ["ingest.ipynb", "report.ipynb"]\n'
    )
    page.goto(lab.address("pipeline.toml"))
    view = page.locator(".jp-pipe-Joined")
    view.get_by_role("button", name="Run on…").click(timeout=LONG)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("nightly (Apache Airflow 3)")).to_be_checked()
    dialog.get_by_label("ingest.n", exact=True).fill("7")
    dialog.get_by_role("button", name="Run").click()
    link = view.get_by_role("link", name="In Apache Airflow 3")
    expect(link).to_be_visible(timeout=LONG)
    expect(view.get_by_role("list", name="Runs")).to_contain_text("Now")
    airflow.reads = True
    until(lambda: bool(airflow.runs), "the run in Airflow")
    (run_id,) = airflow.runs
    assert airflow.runs[run_id]["conf"] == {"ingest__n": 7}
    view.get_by_role("button", name="Cancel").click()
    expect(view.get_by_role("status").first).to_contain_text("cancelled", timeout=LONG)
    folder = RunStore(lab.folder).folder(run_id)
    until(
        lambda: not is_followed(folder), "the end of the process that followed the run"
    )
