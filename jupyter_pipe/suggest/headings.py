"""The headings of a notebook: which stands above which cell. Pure.

The title of the notebook is no heading of a part of it. Where a notebook has no
headings, lines in bold stand in for them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import mistune
from msgspec import Struct

from jupyter_pipe.model import Notebook

__all__ = ["Heading", "find_headings"]

# As small as headings get.
_BOLD = 6
_HTML = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1\s*>", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(r"<[^>]*>")
_parse = mistune.create_markdown(renderer="ast")


class Heading(Struct, frozen=True):
    """`level` is 1 for the largest. `bold` is a line in bold type."""

    level: int
    text: str
    bold: bool = False


def find_headings(notebook: Notebook, cells: Collection[str]) -> dict[str, Heading]:
    """By the id of the first below them of these cells. Of several above one cell, the
    last names the part, and the largest says how deep the cut is."""
    above = list(_above_cells(notebook, cells))
    kept = {
        id(heading)
        for heading in _wanted([heading for _, found in above for heading in found])
    }
    chosen: dict[str, Heading] = {}
    for cell_id, found in above:
        headings = [heading for heading in found if id(heading) in kept]
        if headings:
            # `## Model` right above `### Ridge`: the part is Ridge, and Model begins
            # here as well.
            level = min(heading.level for heading in headings)
            chosen[cell_id] = Heading(level, headings[-1].text)
    return chosen


def _wanted(found: list[Heading]) -> list[Heading]:
    """Those that divide: real ones but for the title, or else lines in bold."""
    real = [heading for heading in found if not heading.bold]
    title = _title(real)
    dividing = [heading for heading in real if heading is not title]
    return dividing or [heading for heading in found if heading.bold]


def _title(headings: list[Heading]) -> Heading | None:
    """The first heading, if it stands above all others."""
    if headings and all(other.level > headings[0].level for other in headings[1:]):
        return headings[0]
    return None


def _above_cells(
    notebook: Notebook, cells: Collection[str]
) -> Iterator[tuple[str, list[Heading]]]:
    pending: list[Heading] = []
    for cell in notebook.cells:
        if cell.kind == "markdown":
            pending += _headings(cell.source)
        elif cell.id in cells:
            yield cell.id, pending
            pending = []


def _headings(text: str) -> Iterator[Heading]:
    """Markdown and HTML headings in order; a paragraph that is bold as a whole counts
    as one."""
    tokens: Any = _parse(text)
    for token in tokens:
        if token["type"] == "heading":
            yield Heading(token["attrs"]["level"], _text(token["children"]))
        elif token["type"] == "block_html":
            for level, inner in _HTML.findall(token["raw"]):
                yield Heading(int(level), _MARKUP.sub("", inner).strip())
        elif token["type"] == "paragraph" and [
            c["type"] for c in token["children"]
        ] == ["strong"]:
            yield Heading(_BOLD, _text(token["children"]), bold=True)


def _text(tokens: Iterable[Mapping[str, Any]]) -> str:
    parts = []
    for token in tokens:
        inner = _text(token.get("children", ()))
        parts.append(inner or str(token.get("raw", "")))
    return "".join(parts).strip()
