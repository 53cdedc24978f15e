"""A `pipeline.toml` in JupyterLab: one graph with a frame a notebook, run from
there."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab, go_to_notebook, run_command

pytestmark = pytest.mark.browser
SECONDS_TO_RUN = 120_000


def test_notebooks_of_a_list_are_shown_and_run_as_one_pipeline(
    lab: Lab, page: Page
) -> None:
    lab.write("joined/ingest.ipynb", ("rows = [1, 2, 3]", "stage:load", "shares:rows"))
    lab.write(
        "joined/report.ipynb",
        ("print(sum(rows))", "stage:add"),
        ("print(total)", "stage:show"),
    )
    listed = lab.folder / "joined" / "pipeline.toml"
    listed.write_text('name = "daily"\nnotebooks = ["ingest.ipynb", "report.ipynb"]\n')
    page.goto(lab.address("joined/pipeline.toml"))
    view = page.locator(".jp-pipe-Joined")
    problems = view.get_by_role("list", name="Problems")
    expect(problems).to_contain_text("'total' is read in cell 2", timeout=60_000)
    expect(view.get_by_role("button", name="Compile and run")).to_be_disabled()
    picture = view.get_by_role("img", name="The stages of daily")
    expect(picture).to_have_attribute("src", re.compile("jpipe-frame"))

    problems.get_by_role("button", name="joined/report.ipynb, cell 2, line 1").click()
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget?.context?.path === 'joined/report.ipynb'"
    )
    lab.write(
        "joined/report.ipynb",
        ("print(sum(rows))", "stage:add"),
        ("print('done')", "stage:show"),
    )
    run_command(page, "docmanager:open", path="joined/pipeline.toml")
    start = view.get_by_role("button", name="Compile and run")
    expect(start).to_be_enabled(timeout=30_000)
    start.click()
    status = view.get_by_role("status")
    expect(status).to_have_text(
        re.compile("succeeded: 3 of 3 stages done"), timeout=SECONDS_TO_RUN
    )
    expect(picture).to_have_attribute("src", re.compile("succeeded"))
    view.get_by_role("button", name="Report", exact=True).click()
    report = page.frame_locator("iframe[title='Report of daily']")
    expect(report.get_by_text("report.add").first).to_be_attached(timeout=30_000)

    # What is seen is the latest run, also by who comes later.
    page.goto(lab.address("joined/pipeline.toml"))
    expect(view.get_by_role("status")).to_have_text(
        re.compile("succeeded"), timeout=60_000
    )


def test_a_notebook_starts_the_pipeline_that_it_belongs_to(
    lab: Lab, page: Page
) -> None:
    """The list lies above it. Earlier runs stay at hand."""
    lab.write("own/alone.ipynb", ("x = 1", "stage:load"))
    lab.write("week/ingest.ipynb", ("rows = [1, 2]", "stage:load", "shares:rows"))
    lab.write("week/parts/report.ipynb", ("print(sum(rows))", "stage:add"))
    listed = lab.folder / "week" / "pipeline.toml"
    listed.write_text('notebooks = ["ingest.ipynb", "parts/report.ipynb"]\n')
    go_to_notebook(page, lab, "week/parts/report.ipynb")
    page.get_by_role("button", name="More ways to run").click()
    page.get_by_role("menuitem", name="Run With the Other Notebooks").click()
    view = page.locator(".jp-pipe-Joined")
    status = view.get_by_role("status")
    done = re.compile("succeeded: 2 of 2 stages done")
    expect(status).to_have_text(done, timeout=SECONDS_TO_RUN)

    lab.write("week/parts/report.ipynb", ("print(1 / (len(rows) - 2))", "stage:add"))
    view.get_by_role("button", name="Compile and run").click()
    expect(status).to_have_text(re.compile("report.add failed"), timeout=SECONDS_TO_RUN)
    runs = view.get_by_role("list", name="Runs").get_by_role("button")
    expect(runs).to_have_count(2)
    runs.nth(1).click()
    expect(status).to_have_text(done)
    runs.nth(0).click()
    expect(status).to_have_text(re.compile("report.add failed"))

    go_to_notebook(page, lab, "own/alone.ipynb")
    run_command(page, "jupyter-pipe:run-together")
    expect(page.get_by_text("No pipeline.toml in the folder of alone")).to_be_visible()


def test_parameters_are_typed_and_a_failure_leads_to_its_notebook(
    lab: Lab, page: Page
) -> None:
    """The run is then continued with the notebook as it was corrected."""
    days = ("days: int = 3", "parameters")
    lab.write(
        "typed/ingest.ipynb",
        days,
        ("rows = list(range(days))", "stage:load", "shares:rows"),
    )
    wrong = "print(len(rows))\nprint(1 / (len(rows) - 5))"
    lab.write("typed/report.ipynb", ("n = 1", "stage:first"), (wrong, "stage:add"))
    listed = lab.folder / "typed" / "pipeline.toml"
    listed.write_text('name = "typed"\nnotebooks = ["ingest.ipynb", "report.ipynb"]\n')
    page.goto(lab.address("typed/pipeline.toml"))
    view = page.locator(".jp-pipe-Joined")
    field = view.get_by_label("ingest.days", exact=True)
    expect(field).to_have_value("3", timeout=60_000)
    field.fill("many")
    expect(view.get_by_role("alert")).to_be_visible()
    field.fill("5")
    expect(view.get_by_role("alert")).to_have_count(0)
    view.get_by_role("button", name="Compile and run").click()
    status = view.get_by_role("status")
    expect(status).to_have_text(
        re.compile("report.add failed: ZeroDivisionError"), timeout=SECONDS_TO_RUN
    )
    view.get_by_role("button", name="Go to the cell of report.add").click()
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget?.context?.path === 'typed/report.ipynb'"
        " && window.jupyterapp.shell.currentWidget.content.activeCellIndex === 1"
    )
    lab.write(
        "typed/report.ipynb",
        ("n = 1", "stage:first"),
        ("print(len(rows))", "stage:add"),
    )
    run_command(page, "docmanager:open", path="typed/pipeline.toml")
    view.get_by_role("button", name="Resume").click()
    expect(status).to_have_text(
        re.compile("succeeded: 3 of 3 stages done"), timeout=SECONDS_TO_RUN
    )
