"""What the extension costs when JupyterLab starts. Printed (`pytest -s`), never
judged."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import TOKEN, Lab

pytestmark = pytest.mark.browser
MICROSECONDS_A_SAMPLE = 200


def test_the_extension_activates(lab: Lab, page: Page) -> None:
    page.goto(
        f"{lab.url}/api?token={TOKEN}"
    )  # the page of JupyterLab stays in this process, and so in the profile
    session = page.context.new_cdp_session(page)
    session.send("Profiler.enable")
    session.send("Profiler.setSamplingInterval", {"interval": MICROSECONDS_A_SAMPLE})
    session.send("Profiler.start")
    page.goto(f"{lab.url}/lab?reset&token={TOKEN}")
    page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
    page.evaluate("window.jupyterapp.restored.then(() => {})")
    profile = session.send("Profiler.stop")["profile"]
    spent = _spent(profile, "/extensions/jupyter-pipe/")
    print(f"\nevaluating and activating the extension: {spent:.1f} ms", end=" ")
    assert page.locator("#jupyter-pipe-panel").count() == 1


def _spent(profile: dict[str, Any], address: str) -> float:
    """Milliseconds in functions of scripts from there, and in all that they call."""
    nodes = {node["id"]: node for node in profile["nodes"]}
    alone: Counter[int] = Counter()
    for node, microseconds in zip(
        profile["samples"], profile["timeDeltas"], strict=True
    ):
        alone[node] += microseconds
    due = [(profile["nodes"][0]["id"], False)]
    total = 0
    while due:
        at, within = due.pop()
        within = within or address in nodes[at]["callFrame"]["url"]
        total += alone[at] if within else 0
        due.extend((child, within) for child in nodes[at].get("children", ()))
    return total / 1000
