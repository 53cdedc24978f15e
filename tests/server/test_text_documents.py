"""A notebook that is kept as text or in an older format, as an editor has it: its cells
have ids that its file does not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_pipe.notebook import read_content, read_notebook
from jupyter_pipe.server.paths import PathError, Root
from jupyter_pipe.server.payloads import (
    CheckRequest,
    CompileRequest,
    PlanRequest,
    SuggestRequest,
)
from jupyter_pipe.server.pipelines.service import PipelineService

TEXT = '# %% tags=["stage:a"]\nx = 1\n\n# %% tags=["stage:b"]\ny = x\n\n# %%\nx = 1\n'


def test_what_runs_know_leads_to_the_cells_of_the_document(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    content = json.loads(read_content(path))
    for place, cell in enumerate(content["cells"]):
        cell["id"] = f"editor-{place}"
    content["cells"][1]["source"] = "\ny = x\n"  # an editor keeps what jupytext strips
    service = PipelineService(Root(tmp_path))
    answer = service.check(CheckRequest("a.py", content))
    assert answer.pipeline is not None
    assert answer.pipeline.stages[0].cells == ("editor-0",)
    ids = [cell.id for cell in read_notebook(path).cells]
    assert [answer.cells[each] for each in ids] == ["editor-0", "editor-1", "editor-2"]
    assert service.check(CheckRequest("a.py")).cells == {}
    assert service.suggest(SuggestRequest("a.py", content)).stages
    assert len(service.plan(PlanRequest("a.py", content=content)).stages) == 2
    assert service.compile(CompileRequest("a.py")).folder == "a_py_pipeline"


def test_what_runs_know_of_an_older_format_leads_to_the_cells_of_the_document(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.py").write_text(TEXT)
    content = {**json.loads(read_content(tmp_path / "a.py")), "nbformat_minor": 4}
    for cell in content["cells"]:
        cell.pop("id", None)
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(content))
    ids = [cell.id for cell in read_notebook(path).cells]
    for place, cell in enumerate(content["cells"]):
        cell["id"] = f"editor-{place}"
    service = PipelineService(Root(tmp_path))
    answer = service.check(CheckRequest("old.ipynb", content))
    assert answer.pipeline is not None
    assert answer.pipeline.stages[0].cells == ("editor-0",)
    assert [answer.cells[each] for each in ids] == ["editor-0", "editor-1", "editor-2"]
    found = service.suggest(SuggestRequest("old.ipynb", content))
    assert {cell for stage in found.stages for cell in stage.cells} <= {
        "editor-0",
        "editor-1",
        "editor-2",
    }


def test_a_notebook_of_json_keeps_its_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    content = json.loads(read_content(path))
    (tmp_path / "a.ipynb").write_text(json.dumps(content))
    assert (
        PipelineService(Root(tmp_path)).check(CheckRequest("a.ipynb", content)).cells
        == {}
    )


def test_other_files_are_no_notebooks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    with pytest.raises(PathError):
        Root(tmp_path).notebook("a.txt")
