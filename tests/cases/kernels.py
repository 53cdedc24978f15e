"""Runs a case as its pipeline through the real engine: papermill, kernels, the
runner."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jupyter_pipe
from jupyter_pipe.runs import RunStore
from tests.cases.pipelines import VARYING, Outcome

__all__ = ["run_in_kernels"]


def run_in_kernels(path: Path, literals: Mapping[str, str] | None = None) -> Outcome:
    """Like `run_as_pipeline`; stages run side by side as the graph allows. Raises
    CompileError."""
    parameters = {
        name: ast.literal_eval(text) for name, text in (literals or {}).items()
    }
    run = jupyter_pipe.run(path, parameters=parameters, use_cache=False)
    outcome = Outcome()
    folder = RunStore(path.parent).folder(run.run_id)
    for stage in run.stages:
        outcome.events += stage.changed
        if stage.failure is not None and not outcome.error:
            outcome.error = (
                f"{stage.name}: {stage.failure.ename}: {stage.failure.evalue}"
            )
        executed = folder.executed(stage.name)
        if executed.exists():
            outcome.outputs.update(
                _printed(json.loads(executed.read_text(encoding="utf-8")))
            )
    return outcome


def _printed(notebook: Mapping[str, Any]) -> dict[str, str]:
    """What each of the user's cells printed, as a terminal would show it."""
    cells = [
        cell
        for cell in notebook["cells"]
        if cell["metadata"]["jupyter_pipe"]["role"] == "cell"
    ]
    return {
        cell["id"]: VARYING.sub("…", "".join(map(_shown, cell["outputs"])))
        for cell in cells
    }


def _shown(output: Mapping[str, Any]) -> str:
    """Warnings go to the standard error, which forks leave out."""
    if output["output_type"] == "stream":
        return "".join(output["text"]) if output["name"] == "stdout" else ""
    if output["output_type"] == "error":
        return ""
    text = "".join(output["data"]["text/plain"])
    start = "\n" if "\n" in text else ""
    return f"Out[{output['execution_count']}]: {start}{text}\n"
