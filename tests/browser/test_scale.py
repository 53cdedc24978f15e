"""A large notebook in the panel. What it costs is printed (`pytest -s`), never
judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Lab, run_command
from tests.browser.frames import CATEGORIES, WATCH, frame_costs
from tests.browser.test_running import LONG

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
Open = Callable[[str], Page]
STAGES = 60
CELLS = 5 * STAGES

# When the strip first shows each stage as done; its segments stand in the notebook's
# order.
WATCH_ENDS = """() => {
  const ends = {};
  // To look at all 60 for each change would cost the frame more than we do.
  const note = records => records.forEach(({target}) => {
    const segment = target.nodeType === 1 && target.closest('.jp-pipe-Segment');
    if (segment && segment.dataset.state === 'succeeded') {
      ends[[...segment.parentNode.children].indexOf(segment)] ??= Date.now() / 1000;
    }
  });
  const options = {subtree: true, childList: true, attributes: true};
  new MutationObserver(note).observe(document.querySelector('.jp-pipe-Head'), options);
  window.pipeEnds = () => ends;
}"""

# Playwright's own waiting reads the whole page again and again, and has the browser lay it
# out 240 times for that: in frames that count as ours.
UNTIL_SUCCEEDED = """limit => new Promise((tell, fail) => {
  const head = document.querySelector('.jp-pipe-Head');
  const look = () => head.querySelector('.jp-pipe-Strip')?.textContent.includes('Succeeded') && tell();
  new MutationObserver(look).observe(head, {subtree: true, childList: true, characterData: true});
  setTimeout(() => fail(new Error('the run has not succeeded')), limit);
})"""
# JupyterLab may still be busy with the last cells that it has drawn.
UNTIL_IDLE = """async () => {
  for (let idle = 0; idle < 20; ) {
    const left = await new Promise(tell => requestIdleCallback(until => tell(until.timeRemaining())));
    idle = left > 30 ? idle + 1 : 0;
  }
}"""


@pytest.fixture
def page(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """Only a browser without a profile can be traced."""
    opened = browser.new_page(**browser_context_args)
    yield opened
    opened.close()


def test_a_large_notebook_runs_smoothly(
    lab: Lab, browser: Browser, open_notebook: Open
) -> None:
    lab.write("large/large.ipynb", *(_cell(number) for number in range(CELLS)))
    page = open_notebook("large/large.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(page.locator(".jp-pipe-Row")).not_to_have_count(0)
    # JupyterLab draws the cells out of view one by one, whenever it has time; that is
    # not our cost.
    drawn = f"document.querySelectorAll('.jp-Notebook .jp-Cell .cm-editor').length >= {CELLS}"
    page.wait_for_function(drawn, timeout=LONG)
    page.evaluate(UNTIL_IDLE)
    page.evaluate(WATCH)
    page.evaluate(WATCH_ENDS)
    browser.start_tracing(page=page, categories=CATEGORIES)
    run_command(page, "jupyter-pipe:compile-and-run")
    page.evaluate(UNTIL_SUCCEEDED, 2 * LONG)
    costs = sorted(frame_costs(browser.stop_tracing()))
    (log,) = (lab.folder / "large" / ".jupyter_pipe" / "runs").glob("*/events.jsonl")
    delays = _delays(log, page.evaluate("window.pipeEnds()"))
    frames = f"{sum(costs) / len(costs):.1f} ms a frame on average (p95 {_late(costs):.1f}, {len(costs)} frames)"
    waits = f"median {1000 * delays[len(delays) // 2]:.0f} ms, p95 {1000 * _late(delays):.0f} ms"
    print(
        f"\n{STAGES} stages, {CELLS} cells: {frames}; from event to screen {waits}",
        end=" ",
    )
    assert len(delays) == STAGES


def _cell(number: int) -> tuple[str, ...]:
    """Five cells a stage, in four chains of stages whose names do not fold into
    groups."""
    stage, place = divmod(number, 5)
    source = (
        f"v{number} = v{number - 20} + 1"
        if place == 0 and stage >= 4
        else f"v{number} = {number}"
    )
    return (source, f"stage:part{stage:02}_of_it") if place == 0 else (source,)


def _late(ordered: list[float]) -> float:
    return ordered[int(0.95 * len(ordered))]


def _delays(log: Path, ends: dict[str, float]) -> list[float]:
    """Seconds from the events of stages that ended to the screen."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    finished = {
        event["stage"]: event["time"]
        for event in events
        if event["event"] == "stage_finished"
    }
    return sorted(
        at - finished[f"part{int(index):02}_of_it"] for index, at in ends.items()
    )
