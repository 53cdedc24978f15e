"""A large notebook in the panel. What it costs is printed (`pytest -s`), never judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import Lab, run_command
from tests.browser.test_running import LONG, strip

pytestmark = [pytest.mark.browser, pytest.mark.kernel]
Open = Callable[[str], Page]
STAGES = 60

# When each row first shows each state, and in how many frames the panel and the cells change.
WATCH = """() => {
  const seen = {};
  const frames = new Set();
  const note = () => {
    frames.add(Math.floor(performance.now() / (1000 / 60)));
    for (const row of document.querySelectorAll('.jp-pipe-Row')) {
      const label = row.getAttribute('aria-label').split(', ').slice(0, 2).join(' ');
      seen[label] ??= Date.now() / 1000;
    }
  };
  const options = {subtree: true, childList: true, attributes: true, characterData: true};
  new MutationObserver(note).observe(document.querySelector('#jp-pipe-section-stages'), options);
  window.pipeWatched = () => ({seen, frames: frames.size});
}"""


def test_a_large_notebook_runs_smoothly(lab: Lab, open_notebook: Open) -> None:
    cells = [(f"v{number} = {number}", *_tags(number)) for number in range(5 * STAGES)]
    lab.write("large/large.ipynb", *cells)
    page = open_notebook("large/large.ipynb")
    run_command(page, "jupyter-pipe:show-panel")
    expect(page.locator(".jp-pipe-Row")).not_to_have_count(0)
    page.wait_for_timeout(1000)
    page.evaluate(WATCH)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = _metrics(session)
    run_command(page, "jupyter-pipe:compile-and-run")
    expect(strip(page)).to_contain_text("Succeeded", timeout=2 * LONG)
    spent = {name: 1000 * (value - before[name]) for name, value in _metrics(session).items()}
    watched = page.evaluate("window.pipeWatched()")
    frames = max(1, watched["frames"])
    (log,) = (lab.folder / "large" / ".jupyter_pipe" / "runs").glob("*/events.jsonl")
    delays = _delays(log, watched["seen"])
    late = delays[int(0.95 * len(delays))]
    print(
        f"\n{STAGES} stages: {spent['TaskDuration'] / frames:.1f} ms of tasks for each of {frames} updates",
        end="",
    )
    print(
        f" (script {spent['ScriptDuration'] / frames:.1f}, layout {spent['LayoutDuration'] / frames:.1f})",
        end="",
    )
    print(
        f"; from event to row: median {1000 * delays[len(delays) // 2]:.0f} ms, p95 {1000 * late:.0f} ms",
        end="",
    )
    assert len(delays) > 5  # the list draws only the rows in view


def _tags(number: int) -> tuple[str, ...]:
    """Five cells a stage, whose names do not fold into groups."""
    return (f"stage:part{number // 5:02}_of_it",) if number % 5 == 0 else ()


def _metrics(session: CDPSession) -> dict[str, float]:
    found: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    wanted = ("TaskDuration", "ScriptDuration", "LayoutDuration")
    return {each["name"]: each["value"] for each in found if each["name"] in wanted}


def _delays(log: Path, seen: dict[str, float]) -> list[float]:
    """Seconds from the events of stages that ended to the rows that say so; only of rows in view."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    ended = {event["stage"]: event["time"] for event in events if event["event"] == "stage_finished"}
    rows = {
        label.removeprefix("succeeded "): at for label, at in seen.items() if label.startswith("succeeded ")
    }
    return sorted(rows[stage] - time for stage, time in ended.items() if stage in rows)
