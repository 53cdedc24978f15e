"""What axe-core says of a part of a page: everything serious or moderate that is
ours."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import ROOT

__all__ = ["violations"]

_SCRIPT = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_WEIGHTY = {"moderate", "serious", "critical"}
# A part of JupyterLab's page has no landmarks and no first heading of its own: those
# are the page's.
_OF_THE_PAGE = ("region", "page-has-heading-one", "landmark-one-main", "heading-order")


def violations(page: Page, *parts: str, whole: bool = False) -> list[str]:
    """A line for each thing that is wrong in the parts, which are selectors; `whole`
    asks about a page of ours with everything that a page must have."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
    left_out = {} if whole else {name: {"enabled": False} for name in _OF_THE_PAGE}
    found: list[dict[str, Any]] = page.evaluate(
        "async ([parts, rules]) => (await axe.run({include: parts.map(part => [part])}, {rules})).violations",
        [list(parts), left_out],
    )
    return [
        f"{each['id']} ({each['impact']}): {node['target']}: {node['html'][:160]}"
        for each in found
        if each["impact"] in _WEIGHTY
        for node in each["nodes"]
    ]
