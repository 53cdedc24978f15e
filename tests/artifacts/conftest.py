from __future__ import annotations

from pathlib import Path

import pytest

from tests.artifacts.stages import Stages


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    return Stages(tmp_path)
