"""What marimo makes of notebooks: cases on standard input, plans on standard output,
both JSON.

Runs in marimo's environment. Each cell is a cell; a plan is one process that runs them
in the order of marimo's graph, or a refusal where it would not run the notebook.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from marimo._ast.compiler import compile_cell
from marimo._runtime.dataflow import DirectedGraph, topological_sort


def plan(case: dict[str, Any]) -> dict[str, Any]:
    """Raises whatever marimo raises for a cell that it does not accept."""
    graph = DirectedGraph()
    cells = {
        str(n): cell for n, cell in enumerate(case["cells"]) if cell["stage"] != "skip"
    }
    for cell_id, cell in cells.items():
        graph.register_cell(cell_id, compile_cell(cell["source"], cell_id=cell_id))
    if twice := graph.get_multiply_defined():
        return {"refused": f"defined in more than one cell: {', '.join(sorted(twice))}"}
    if graph.cycles:
        return {"refused": "the cells form a cycle"}
    order = topological_sort(graph, list(cells))
    return {
        "stages": [
            {
                "stage": "",
                "cells": [(cells[cell_id]["source"], cell_id) for cell_id in order],
            }
        ]
    }


def answer(case: dict[str, Any]) -> dict[str, Any]:
    try:
        return plan(case)
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    replies = {case["id"]: answer(case) for case in json.load(sys.stdin)}
    print(json.dumps(replies))
