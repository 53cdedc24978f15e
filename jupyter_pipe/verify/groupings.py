"""Random groupings of a notebook's cells into stages: the same code, other stages.
Pure."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from jupyter_pipe.notebook.grammar import PREFIXES, SYNONYMS

__all__ = ["random_grouping"]

# What a cell reads and writes is true in every stage; all else is said of a stage that
# is no more, such as the inputs that it does not change, or the question that somebody
# has to answer.
_OF_CELLS = ("reads", "writes")
_OF_STAGES = tuple(
    f"{prefix}:" for prefix in (*PREFIXES, *SYNONYMS) if prefix not in _OF_CELLS
)
_KEPT_ROLES = frozenset({"skip", "shared", "parameters", "pipeline-parameters"})
_KALE_ROLES = frozenset({"imports", "functions", "pipeline-metrics"})


def random_grouping(content: bytes, generator: random.Random) -> bytes:
    """The notebook with its stages drawn anew; outputs are dropped, other tags stay.

    Stages are mostly runs of neighbouring cells; now and then a cell joins an earlier
    stage, and leading cells may stay untagged.
    """
    notebook = _as_format_4(json.loads(content))
    cells = [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and _text(cell).strip()
    ]
    movable = [cell for cell in cells if not _KEPT_ROLES & set(_tags(cell))]
    # How likely a cell begins a new stage: from few large stages to one for each cell.
    share = generator.choice((0.2, 0.4, 0.7, 1.0))
    leading = generator.randrange(0, max(len(movable) // 3, 1) + 1)
    stage = 0
    for place, cell in enumerate(movable):
        if place < leading:
            _retag(cell, None)
            continue
        if stage == 0 or generator.random() < share:
            stage += 1
        joins = (
            generator.randrange(1, stage + 1) if generator.random() < 0.05 else stage
        )
        _retag(cell, f"group_{joins}")
    # Kale's settings name stages of the notebook as it was.
    notebook["metadata"].pop("kubeflow_notebook", None)
    return json.dumps(notebook).encode()


def _as_format_4(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook of an older format has worksheets instead of cells."""
    if "cells" in notebook:
        return notebook
    import nbformat  # a second to import, for old files only

    upgraded: dict[str, Any] = nbformat.reads(json.dumps(notebook), as_version=4)
    # The ids that nbformat makes are random; without any the reader makes them from the
    # cells.
    cells = [
        {key: value for key, value in cell.items() if key != "id"}
        for cell in upgraded["cells"]
    ]
    return {**upgraded, "cells": cells, "nbformat_minor": 4}


def _retag(cell: dict[str, Any], stage: str | None) -> None:
    tags = [
        tag
        for tag in _tags(cell)
        if not tag.startswith(_OF_STAGES) and tag not in _KALE_ROLES
    ]
    metadata = cell.setdefault("metadata", {})
    metadata["tags"] = [*tags, f"stage:{stage}"] if stage else tags


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return [str(tag) for tag in cell.get("metadata", {}).get("tags", ())]


def _text(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
