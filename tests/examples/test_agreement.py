"""The notebook top to bottom, its compiled package in one process and the pipeline
agree on every metric.

The parameters make the work small; they are given in the way of each: as an edit, an
argument, an override.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

import jupyter_pipe
from jupyter_pipe.events import RunState

from .agreement import (
    ROOT,
    copy_of,
    metric_names,
    notebook_metrics,
    package_metrics,
    with_parameters,
)

EXAMPLES = ROOT / "example_notebooks"
KALE = ROOT / "tests" / "kale"


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("notebook", "parameters"),
    [
        (EXAMPLES / "quickstart.ipynb", {"days": 400}),
        (EXAMPLES / "home_value.ipynb", {"n_estimators": 50, "holdout_weeks": 1}),
        (EXAMPLES / "digits.ipynb", {"folds": 2, "test_share": 0.8}),
        (KALE / "hikers.ipynb", {"hiker_count": 500}),
        (KALE / "harvest.ipynb", {"degree": 2}),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else "",
)
def test_three_ways_one_answer(
    notebook: Path,
    parameters: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Beside other tests, threads of BLAS wait for one another in loops: four times as
    # long. The first are those of kernels, the second those of this process.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    with threadpool_limits(1):
        _compare(notebook, parameters, tmp_path)


def _compare(notebook: Path, parameters: dict[str, Any], tmp_path: Path) -> None:
    path = copy_of(notebook, tmp_path)
    names = metric_names(jupyter_pipe.compile_notebook(path))
    run = jupyter_pipe.run(path, parameters=parameters)
    assert {stage.name: stage.failure for stage in run.stages if stage.failure} == {}
    assert run.state is RunState.succeeded
    assert package_metrics(path, parameters) == run.metrics
    assert notebook_metrics(with_parameters(path, parameters), names) == run.metrics
    assert names
