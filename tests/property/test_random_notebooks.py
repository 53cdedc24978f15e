"""Random notebooks in random groupings print as pipelines what they print as notebooks.

`JUPYTER_PIPE_EXAMPLES=5000` looks longer; `python -m tests.property.hunt 5000` does so
without hypothesis, cuts programs down and tabulates the refusals.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from tests.cases.pipelines import Forks
from tests.cases.table import Case
from tests.property.grammar import idioms, write_notebook
from tests.property.judge import judge

pytestmark = pytest.mark.processes

EXAMPLES = int(os.environ.get("JUPYTER_PIPE_EXAMPLES", "60"))
IDIOMS = idioms()


@st.composite
def notebooks(draw: st.DrawFn) -> Case:
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=6))
    return write_notebook(lambda options: draw(st.sampled_from(options)), IDIOMS, sizes)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(case=notebooks())
def test_a_random_notebook_prints_the_same_as_a_pipeline(
    forks: Forks, case: Case
) -> None:
    verdict = judge(forks, case)
    assume(verdict.kind != "invalid")
    event(verdict.kind)
    program = "\n".join(f"%% {cell.stage}\n{cell.source}" for cell in case.cells[1:])
    assert verdict.kind in ("equal", "refused"), f"{verdict.detail}\n{program}"
