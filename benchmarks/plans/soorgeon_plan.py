"""What soorgeon makes of notebooks: cases on standard input, plans on standard output,
both JSON.

Runs in soorgeon's environment. A stage becomes a section with a heading of its own,
leading cells go into the first section. A plan is what each exported task executes,
`upstream` and `product` filled in.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import Any

import nbformat
from soorgeon import export
from soorgeon.io import find_upstream


class RefusedError(Exception):
    """The case has no counterpart in soorgeon's terms."""


def plan(case: dict[str, Any]) -> dict[str, Any]:
    """Raises whatever soorgeon raises for what it does not accept."""
    exporter = export.NotebookExporter(
        notebook(case), verbose=False, serializer="cloudpickle"
    )
    specs = exporter.get_task_specs(product_prefix="output")
    upstream = find_upstream(exporter._snippets)
    sources = exporter.get_sources()
    stages = []
    for name in ordered(upstream):
        given = {
            "upstream": {one: specs[one]["product"] for one in upstream[name]} or None
        }
        given["product"] = specs[name]["product"]
        stages.append({"stage": name, "cells": cells_of(sources[name], given)})
    exporter.definitions  # noqa: B018 - computed late, like the file that soorgeon writes from it
    return {"stages": stages, "files": files_of(exporter)}


def files_of(exporter: Any) -> dict[str, str]:
    if not exporter.definitions:
        return {}
    code = "\n\n".join(exporter.definitions.values())
    imports = export.io.ImportsParser(exporter._get_code()).get_imports_cell_for_task(
        code
    )
    return {"exported.py": f"{imports or ''}\n\n{code}\n"}


def cells_of(source: str, given: dict[str, Any]) -> list[tuple[str, bool]]:
    cells: list[tuple[str, bool]] = []
    for cell in nbformat.reads(source, as_version=4).cells:
        if cell.cell_type == "code":
            tags = cell.metadata.get("tags", [])
            cells.append((cell.source, not tags))
            if "parameters" in tags:
                cells.append(
                    (
                        "\n".join(
                            f"{name} = {value!r}" for name, value in given.items()
                        ),
                        False,
                    )
                )
    return cells


def ordered(upstream: dict[str, list[str]]) -> list[str]:
    """What comes first; of stages that may run in parallel, the last one."""
    left, done = list(upstream), []
    while left:
        name = next(one for one in reversed(left) if set(upstream[one]) <= set(done))
        left.remove(name)
        done.append(name)
    return done


def notebook(case: dict[str, Any]) -> nbformat.NotebookNode:
    """The case with a heading of the second level before each stage."""
    cells: list[Any] = []
    held: list[Any] = []
    seen: list[str] = []
    for cell in case["cells"]:
        stage, made = cell["stage"], nbformat.v4.new_code_cell(cell["source"])
        if stage in ("leading", "parameters", "shared") and not seen:
            held.append(made)
        elif stage in ("untagged", *seen[-1:]):
            cells.append(made)
        elif stage in seen:
            raise RefusedError("a section cannot be in two places")
        elif stage != "skip":
            seen.append(stage)
            cells += [nbformat.v4.new_markdown_cell(f"## {stage.lower()}"), *held, made]
            held = []
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def answer(case: dict[str, Any]) -> dict[str, Any]:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return plan(case)
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    replies = {case["id"]: answer(case) for case in json.load(sys.stdin)}
    print(json.dumps(replies))
