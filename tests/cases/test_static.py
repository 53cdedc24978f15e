"""Every case compiles to the stated graph, or is refused for the stated reason. No
kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.compiler import draft_pipeline
from jupyter_pipe.model import Severity
from tests.cases.checks import differences, refusals
from tests.cases.table import Case, read_all


@pytest.mark.parametrize("case", read_all(), ids=lambda case: case.id)
def test_a_case_becomes_the_stated_graph(case: Case, tmp_path: Path) -> None:
    assert _judge(case, case.write(tmp_path)) == []


def _judge(case: Case, path: Path) -> list[str]:
    pipeline = draft_pipeline(path)
    refused = any(one.severity is Severity.error for one in pipeline.diagnostics)
    if refused or any(not finding.optional for finding in case.errors):
        return refusals(case, pipeline.diagnostics)
    return [] if case.any_graph else differences(case, pipeline)
