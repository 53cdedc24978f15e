"""The documentation as the server shows it: what is linked to is there, and in the
wheel."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.diagnostics import RULES
from jupyter_pipe.errors import PipeError
from jupyter_pipe.server.documentation import page_html, page_names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.server
ROOT = Path(__file__).parent.parent.parent


def linked_from_lab() -> set[str]:
    """Pages and sections that the front end names."""
    sources = [
        path.read_text("utf-8")
        for path in (ROOT / "labextension" / "src").rglob("*.ts*")
    ]
    names = "|".join(page_names())
    return {
        found
        for text in sources
        for found in re.findall(rf"['\"]((?:{names})(?:#[\w-]+)?)['\"]", text)
    }


def anchors(name: str) -> set[str]:
    return set(re.findall(r'id="([^"]+)"', page_html(name)))


def test_every_link_of_the_front_end_leads_somewhere() -> None:
    linked = {link for link in linked_from_lab() if "#" in link}
    assert {"tags#where-a-cell-belongs", "lifecycle#close-the-loop"} <= linked
    assert [
        link for link in linked if link.split("#")[1] not in anchors(link.split("#")[0])
    ] == []


def test_links_between_pages_lead_somewhere() -> None:
    wrong = []
    for name in page_names():
        for page, section in re.findall(
            r'href="([a-z-]*)(?:#([^"]*))?"', page_html(name)
        ):
            target = page or name
            if target not in page_names() or (
                section and section not in anchors(target)
            ):
                wrong.append(f"{name}: {page}#{section}")
    assert wrong == []


def test_every_diagnostic_can_be_linked_to_by_its_code() -> None:
    assert set(RULES) <= anchors("diagnostics")


def test_the_wheel_has_every_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert shipped == {
        f"docs/{name}.md": f"jupyter_pipe/docs/{name}.md" for name in page_names()
    }


@pytest.mark.parametrize("name", ["nothing", "api", "decisions"])
def test_what_is_no_page_is_refused(name: str) -> None:
    with pytest.raises(PipeError, match=name):
        page_html(name)


async def test_a_page_needs_nothing_but_the_server(
    jp_fetch: Callable[..., Any],
) -> None:
    answer = await jp_fetch("jupyter-pipe", "docs", "tutorial")
    text = answer.body.decode()
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<h1" in text
    assert re.findall(r"<(?:script|img|link|iframe)\b", text) == []
