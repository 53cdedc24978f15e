"""A sample of `tests/kills.py`: a kill inside each named point, and of each process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kills import POINTS, Kill, trial

UNDISTURBED_SECONDS = 3.0
KILLS = [
    *(Kill(point=point) for point in POINTS),
    Kill(victim="runner", share=0.7),
    Kill(victim="kernel", share=0.6),
    Kill(victim="runner of Dask", share=1.5),
]


@pytest.mark.kernel
@pytest.mark.parametrize("kill", KILLS, ids=str)
def test_nothing_is_lost(kill: Kill, tmp_path: Path) -> None:
    assert trial(kill, tmp_path, UNDISTURBED_SECONDS) == ""
