"""A sample of the cases through real kernels: those in which the kernel itself matters
most."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.kernels import run_in_kernels
from tests.cases.pipelines import Forks, run_as_notebook
from tests.cases.table import Case, read_all

pytestmark = pytest.mark.kernel

# Execution counts and await, shell cells, ambient state, classes, the guard,
# parameters.
SAMPLE = ("44d", "46a", "52", "56a", "64", "65")


@pytest.mark.parametrize(
    "case", [case for case in read_all() if case.id in SAMPLE], ids=lambda case: case.id
)
def test_a_case_prints_the_same_in_kernels(
    case: Case, tmp_path: Path, forks: Forks
) -> None:
    pipeline = run_in_kernels(case.write(tmp_path), case.overrides)
    assert pipeline.error == ""
    assert any(pipeline.outputs.values())
    whole = tmp_path / "whole"
    whole.mkdir()
    notebook = run_as_notebook(forks, case.write(whole), case.overrides)
    assert pipeline.outputs == {
        name: notebook.outputs[name] for name in pipeline.outputs
    }
