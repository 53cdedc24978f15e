"""The engine as papermill's other users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.engine.execution.papermill_engine import StageEngine
from tests.engine.conftest import Runs
from tests.engine.packages import Package

pytestmark = pytest.mark.kernel


def notebook(*sources: str) -> dict[str, object]:
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"c{number}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    metadata = {
        "kernelspec": {
            "name": "python3",
            "language": "python",
            "display_name": "Python 3",
        }
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def test_any_notebook_runs_with_the_engine(tmp_path: Path) -> None:
    import papermill
    from papermill.engines import papermill_engines

    papermill_engines.register("jupyter_pipe", StageEngine)
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    source.write_text(json.dumps(notebook("x = 20", "print(x + 1)")))
    papermill.execute_notebook(
        source, target, engine_name="jupyter_pipe", progress_bar=False
    )
    cells = json.loads(target.read_text())["cells"]
    assert cells[1]["outputs"][0]["text"] == ["21\n"]
    assert [cell["metadata"]["papermill"]["status"] for cell in cells] == [
        "completed",
        "completed",
    ]
    source.write_text(json.dumps(notebook("1 / 0", "2")))
    with pytest.raises(StageFailure, match="ZeroDivisionError"):
        papermill.execute_notebook(
            source, target, engine_name="jupyter_pipe", progress_bar=False
        )
    cells = json.loads(target.read_text())["cells"]
    assert [cell["metadata"]["papermill"]["status"] for cell in cells] == [
        "failed",
        "pending",
    ]


def test_the_state_of_widgets_is_kept(ran: Runs) -> None:
    done = ran(Package().stage("a", "import ipywidgets\nipywidgets.IntSlider(value=7)"))
    saved = json.loads(done.folder.executed("a").read_text())
    state = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"][
        "state"
    ]
    assert any(model["state"].get("value") == 7 for model in state.values())
