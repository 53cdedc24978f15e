"""Notebooks for tests of suggestions: cells of code, and text that begins with `#md
`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_pipe.model import Diagnostic, Severity
from jupyter_pipe.suggest import Suggestion, suggest_stages

EXAMPLES = Path(__file__).parents[2] / "example_notebooks"
TEXT = "#md "


def notebook_json(*cells: str | tuple[str, ...]) -> dict[str, Any]:
    """A code cell is its source, or a tuple of source and tags; ids are `c1`, `c2`… by
    position."""
    made: list[dict[str, Any]] = []
    for number, (source, *tags) in enumerate(
        ((c,) if isinstance(c, str) else c for c in cells), start=1
    ):
        cell: dict[str, Any] = {
            "id": f"c{number}",
            "metadata": {"tags": tags} if tags else {},
        }
        if source.startswith(TEXT):
            cell |= {"cell_type": "markdown", "source": source.removeprefix(TEXT)}
        else:
            cell |= {
                "cell_type": "code",
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
        made.append(cell)
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def suggested(*cells: str | tuple[str, ...]) -> Suggestion:
    """The suggestion for a notebook of these cells."""
    return suggest_stages(
        Path("flow.ipynb"), json.dumps(notebook_json(*cells)).encode()
    )


def grouped(suggestion: Suggestion) -> dict[str, str]:
    """Stage names with their cells, as text."""
    return {stage.name: " ".join(stage.cells) for stage in suggestion.stages}


def without_tags(path: Path, *prefixes: str) -> bytes:
    """The notebook without its tags of these kinds, or without any."""
    content = json.loads(path.read_bytes())
    for cell in content["cells"]:
        kept = [
            tag
            for tag in cell["metadata"].pop("tags", ())
            if prefixes and not tag.startswith(prefixes)
        ]
        if kept:
            cell["metadata"]["tags"] = kept
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def with_suggestion(data: bytes, suggestion: Suggestion) -> bytes:
    """The notebook with the suggested tags."""
    content = json.loads(data)
    for cell in content["cells"]:
        if cell["id"] in suggestion.tags:
            cell["metadata"].setdefault("tags", []).extend(suggestion.tags[cell["id"]])
    return json.dumps(content).encode()


def errors(found: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    return [each for each in found if each.severity is Severity.error]
