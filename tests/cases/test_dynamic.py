"""Every case prints as a pipeline what it prints as a notebook, cell by cell. No
kernels.

Of stages that may run in parallel, the last in the notebook's order runs first, so that
a missing edge shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.pipelines import Forks, run_as_notebook, run_as_pipeline
from tests.cases.table import Case, CaseCell, read_all

pytestmark = pytest.mark.processes

CASES = [case for case in read_all() if not case.errors]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_prints_what_the_notebook_prints(
    case: Case, tmp_path: Path, forks: Forks
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    notebook = run_as_notebook(forks, case.write(whole), case.overrides)
    pipeline = run_as_pipeline(forks, case.write(parts), case.overrides, backwards=True)
    assert notebook.error == ""
    assert pipeline.error == ""
    assert any(notebook.outputs.values()), "a case must print something to compare"
    if not case.may_differ:
        assert pipeline.outputs == {
            name: notebook.outputs[name] for name in pipeline.outputs
        }
        assert not any(
            text
            for name, text in notebook.outputs.items()
            if name not in pipeline.outputs
        )


def test_an_unseen_change_between_two_cells_of_a_stage_fails_the_run(
    tmp_path: Path, forks: Forks
) -> None:
    """`b` shares its memory with `a`, which no analysis sees; the last cell has run
    before the change."""
    sources = [
        ("A", "import numpy as np\na = np.arange(4)\nb = a.astype(int, copy=False)"),
        ("B", "b[:] = 7"),
        ("A", "print(a)"),
    ]
    case = Case(
        "gap",
        "a gap",
        [CaseCell(stage, (f"stage:{stage}",), text) for stage, text in sources],
    )
    outcome = run_as_pipeline(forks, case.write(tmp_path))
    assert outcome.error.startswith("B: InputChanged: Stage 'B' changed 'a'.")
