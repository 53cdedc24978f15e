"""Twelve weeks with the real command line, the real service and a client that never stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.scenario import Scenario, twelve_weeks

# A dozen runs with kernels of their own, and thirty commands: a limit for a machine that is very busy.
pytestmark = [pytest.mark.kernel, pytest.mark.timeout(3600)]


def test_twelve_weeks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # In CI runs are strict: the first would ask for the contract that is made from it.
    monkeypatch.delenv("CI", raising=False)
    twelve_weeks(Scenario(tmp_path / "weeks"))
