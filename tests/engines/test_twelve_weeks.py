"""Twelve weeks with the real command line, the real service and a client that never
stops."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.engines.standalone import Standalone, standalone
from tests.loop.scenario import Scenario, twelve_weeks
from tests.serving.service import until

# A dozen runs with kernels of their own, and thirty commands: a limit for a machine
# that is very busy.
pytestmark = [pytest.mark.kernel, pytest.mark.timeout(3600)]


def test_twelve_weeks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # In CI runs are strict: the first would ask for the contract that is made from it.
    monkeypatch.delenv("CI", raising=False)
    twelve_weeks(Scenario(tmp_path / "weeks"))


class ThroughAirflow(Scenario):
    """The same weeks, in which Airflow looks on: each `loop once` is a run of the DAG
    of `loop export`."""

    def __init__(self, folder: Path, airflow: Standalone) -> None:
        super().__init__(folder)
        self._airflow = airflow

    def begin(self) -> None:
        """Hand the loop over to Airflow."""
        self.pipe("loop", "export", "airflow", "homes.ipynb", "-o", ".")
        text = (self.folder / "homes_loop.py").read_text()
        assert "schedule='*/10 * * * *'" in text
        # The clock of the twelve weeks is the test's own.
        (self._airflow.dags / "homes_loop.py").write_text(
            text.replace("'*/10 * * * *'", "None")
        )
        until(lambda: self._airflow.takes_up("homes_loop"), "Airflow taking up the DAG")

    def once(self, code: int = 0) -> str:
        done, said = self._airflow.run("homes_loop", "once")
        assert done == code, said
        return said


def test_twelve_weeks_through_airflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    airflow = Path(os.environ["AIRFLOW_PYTHON"]).with_name("airflow")
    ours = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with standalone(tmp_path / "airflow", airflow, PATH=ours) as running:
        world = ThroughAirflow(tmp_path / "weeks", running)
        world.begin()
        twelve_weeks(world)
