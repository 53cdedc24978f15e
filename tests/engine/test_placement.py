"""Which workers may run a stage: values in, values out."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_pipe.engine.dask.placement import Placement, place
from jupyter_pipe.model import StageOptions

PLAIN = {"nthreads": 2, "memory_limit": 100, "resources": {}}
LARGE = {"nthreads": 8, "memory_limit": 1000, "resources": {}}
GPU = {"nthreads": 8, "memory_limit": 1000, "resources": {"GPU": 2}}


@pytest.mark.parametrize(
    ("options", "workers", "placement"),
    [
        (StageOptions(), {"a": PLAIN, "b": LARGE}, Placement()),
        (StageOptions(cpus=4), {"a": PLAIN, "b": LARGE}, Placement(workers=("b",))),
        (
            StageOptions(memory_bytes=500),
            {"a": PLAIN, "b": LARGE},
            Placement(workers=("b",)),
        ),
        (
            StageOptions(memory_bytes=5000),
            {"a": PLAIN},
            Placement(problem="No Dask worker offers CPU=1, MEMORY=5000."),
        ),
        (StageOptions(gpus=1), {"a": PLAIN, "b": GPU}, Placement({"GPU": 1.0}, ("b",))),
        (
            StageOptions(gpus=3),
            {"a": PLAIN, "b": GPU},
            Placement(problem="No Dask worker offers CPU=1, GPU=3."),
        ),
        (StageOptions(gpus=1), {"a": PLAIN}, Placement()),
        (StageOptions(), {"a": PLAIN, "b": GPU}, Placement()),
        (
            StageOptions(cpus=2),
            {"a": {"resources": {"CPU": 1}}, "b": {"resources": {"CPU": 4}}},
            Placement({"CPU": 2.0}, ("b",)),
        ),
        (StageOptions(), {}, Placement()),
        (StageOptions(memory_bytes=5), {"a": {"memory_limit": None}}, Placement()),
    ],
)
def test_where_a_stage_may_run(
    options: StageOptions, workers: dict[str, dict[str, Any]], placement: Placement
) -> None:
    assert place(options, workers) == placement
