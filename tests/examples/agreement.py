"""Three ways to compute what a notebook computes: top to bottom, as a package, as a
pipeline."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from jupyter_pipe.compiler import compile_notebook, write_package
from jupyter_pipe.model import Pipeline
from jupyter_pipe.notebook.parameters import set_parameters

ROOT = Path(__file__).parent.parent.parent
SHOW = """
import json as _json
print(_json.dumps({{name: globals()[name] for name in {names!r}}}, default=lambda value: value.item()))
"""


def copy_of(notebook: Path, folder: Path) -> Path:
    """The notebook, its contracts and the modules beside it, in a folder of their
    own."""
    for source in [notebook, *notebook.parent.glob("*.py")]:
        shutil.copy(source, folder)
    contracts = notebook.with_name(f"{notebook.stem}.contracts")
    if contracts.is_dir():
        shutil.copytree(contracts, folder / contracts.name)
    return folder / notebook.name


def with_parameters(notebook: Path, values: dict[str, Any]) -> Path:
    """The notebook as a user would edit it by hand."""
    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        if {"parameters", "pipeline-parameters"} & set(cell.metadata.get("tags", [])):
            cell.source = set_parameters(
                cell.source, {name: repr(value) for name, value in values.items()}
            )
    nbformat.write(content, notebook)
    return notebook


def metric_names(pipeline: Pipeline) -> list[str]:
    return [metric.name for stage in pipeline.stages for metric in stage.metrics]


def notebook_metrics(notebook: Path, names: list[str]) -> dict[str, Any]:
    """The values of `names` after all cells have run in one kernel."""
    content = nbformat.read(notebook, as_version=4)
    content.cells.append(nbformat.v4.new_code_cell(SHOW.format(names=names)))
    NotebookClient(
        content, timeout=300, resources={"metadata": {"path": str(notebook.parent)}}
    ).execute()
    # a kernel may send what one print writes, value and end of line, as two streams
    printed = "".join(
        output.text
        for output in content.cells[-1].outputs
        if output.get("name") == "stdout"
    )
    values: dict[str, Any] = json.loads(printed)
    return values


def package_metrics(notebook: Path, parameters: dict[str, Any]) -> dict[str, Any]:
    """What the compiled modules compute, all in one process, without the engine."""
    folder = notebook.parent / f"{notebook.stem}_package"
    write_package(compile_notebook(notebook, output=folder), folder)
    module = next(path.parent.name for path in folder.glob("*/__main__.py"))
    code = (
        f"import json, {module}\n"
        f"metrics = {module}.run(**{parameters!r}).metrics\n"
        "print()\n"
        "print(json.dumps(metrics, default=lambda value: value.item()))"
    )
    environment = {
        "PYTHONPATH": f"{folder}:{notebook.parent}",
        "MPLBACKEND": "agg",
        "PATH": "",
    }
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=notebook.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    values: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return values
