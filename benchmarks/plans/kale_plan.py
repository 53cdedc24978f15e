"""What Kale makes of notebooks: cases on standard input, plans on standard output, both
JSON.

Runs in Kale's environment. A stage becomes a step that follows the one before it,
leading cells become `imports` or `functions`. A plan is what each step executes, with
plain files for Kale's artifacts.
"""

from __future__ import annotations

import ast
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from kale.compiler import Compiler
from kale.processors.nbprocessor import NotebookProcessor

LOAD = (
    "import cloudpickle as _p\n{name} = _p.load(open('{folder}/{stage}.{name}', 'rb'))"
)
SAVE = (
    "import cloudpickle as _p, os as _o\n_o.makedirs('{folder}', exist_ok=True)\n"
    "_p.dump({name}, open('{folder}/{stage}.{name}', 'wb'))"
)
FOLDER = "marshal"
ROLES = {"parameters": "pipeline-parameters", "shared": "functions", "skip": "skip"}


def plan(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Raises whatever Kale raises for what it does not accept."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.ipynb"
        nbformat.write(notebook(case), path)
        processor = NotebookProcessor(str(path))
        pipeline = processor.run()
    compiler = Compiler(pipeline, "")
    given = "\n".join(
        f"{name} = {p.param_value!r}"
        for name, p in pipeline.pipeline_parameters.items()
    )
    return [
        steps(step, compiler, processor._shared_block_count, given)
        for step in pipeline.steps
    ]


def steps(step: Any, compiler: Compiler, shared: int, given: str) -> dict[str, Any]:
    """One step as cells; only the user's own count for what it prints."""
    loads = [
        LOAD.format(folder=FOLDER, stage=compiler._producer_of(step, name), name=name)
        for name in sorted(step.ins)
    ]
    saves = [
        SAVE.format(folder=FOLDER, stage=step.name, name=name)
        for name in sorted(step.outs)
    ]
    cells = [(source, False) for source in (given, *loads, *step.source[:shared])]
    cells += [(source, True) for source in step.source[shared:]]
    cells += [(source, False) for source in saves]
    return {"stage": step.name, "cells": cells}


def notebook(case: dict[str, Any]) -> nbformat.NotebookNode:
    """The case in Kale's tags."""
    cells, before = [], None
    seen: set[str] = set()
    for cell in case["cells"]:
        stage = cell["stage"]
        if stage == "leading":
            tags = ["imports" if only_imports(cell["source"]) else "functions"]
        elif stage == "untagged":
            tags = []
        elif stage in ROLES:
            tags = [ROLES[stage]]
        else:
            tags = [f"step:{stage.lower()}"]
            if before and stage not in seen and stage != before:
                tags.append(f"prev:{before.lower()}")
            seen.add(stage)
            before = stage
        cells.append(nbformat.v4.new_code_cell(cell["source"], metadata={"tags": tags}))
    settings = {"pipeline_name": "case", "experiment_name": "cases"}
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "kubeflow_notebook": settings}
    )


def only_imports(source: str) -> bool:
    try:
        return all(
            isinstance(node, ast.Import | ast.ImportFrom)
            for node in ast.parse(source).body
        )
    except SyntaxError:
        return False


def answer(case: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"stages": plan(case)}
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    logging.disable()
    replies = {case["id"]: answer(case) for case in json.load(sys.stdin)}
    print(json.dumps(replies))
