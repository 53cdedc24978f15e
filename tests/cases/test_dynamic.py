"""Every case prints as a pipeline what it prints as a notebook, cell by cell. No kernels.

Of stages that may run in parallel, the last in the notebook's order runs first, so that a missing
edge shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.pipelines import Forks, run_as_notebook, run_as_pipeline
from tests.cases.table import Case, read_all

CASES = [case for case in read_all() if not case.errors]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_prints_what_the_notebook_prints(case: Case, tmp_path: Path, forks: Forks) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    notebook = run_as_notebook(forks, case.write(whole), case.overrides)
    pipeline = run_as_pipeline(forks, case.write(parts), case.overrides, backwards=True)
    assert notebook.error == ""
    assert pipeline.error == ""
    assert any(notebook.outputs.values()), "a case must print something to compare"
    if not case.may_differ:
        assert pipeline.outputs == {name: notebook.outputs[name] for name in pipeline.outputs}
        assert not any(text for name, text in notebook.outputs.items() if name not in pipeline.outputs)
