"""A sample of the cases through real kernels: those in which the kernel itself matters most."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import jupyter_pipe
from jupyter_pipe.events import RunState
from jupyter_pipe.runs import RunStore
from tests.cases.pipelines import Forks, run_as_notebook
from tests.cases.table import Case, read_all

pytestmark = pytest.mark.kernel

# Execution counts and await, shell cells, ambient state, classes, the guard, parameters.
SAMPLE = ("44d", "46a", "52", "56a", "64", "65")


@pytest.mark.parametrize("case", [case for case in read_all() if case.id in SAMPLE], ids=lambda case: case.id)
def test_a_case_prints_the_same_in_kernels(case: Case, tmp_path: Path, forks: Forks) -> None:
    path = case.write(tmp_path)
    parameters = {name: ast.literal_eval(text) for name, text in case.overrides.items()}
    run = jupyter_pipe.run(path, parameters=parameters, use_cache=False)
    assert run.state is RunState.succeeded
    printed = _printed(path, run)
    assert printed
    whole = tmp_path / "whole"
    whole.mkdir()
    notebook = run_as_notebook(forks, case.write(whole), case.overrides)
    assert printed == {name: notebook.outputs[name] for name in printed}


def _printed(path: Path, run: Any) -> dict[str, str]:
    """What each of the user's cells printed, as a terminal would show it."""
    folder = RunStore(path.parent).folder(run.run_id)
    found = {}
    for stage in run.stages:
        for cell in json.loads(folder.executed(stage.name).read_text(encoding="utf-8"))["cells"]:
            if cell["metadata"]["jupyter_pipe"]["role"] == "cell":
                found[cell["id"]] = "".join(_shown(output) for output in cell["outputs"])
    return found


def _shown(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return "".join(output["text"])
    return f"Out[{output['execution_count']}]: {''.join(output['data']['text/plain'])}\n"
