"""The exported DAG, carried out by `airflow dags test`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.engines.trial import (
    LIMIT_SECONDS,
    carried_out,
    check_runs,
    exported,
    newest_run,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(2 * LIMIT_SECONDS)]
# The Python of an environment that has Airflow.
AIRFLOW = Path(os.environ["AIRFLOW_PYTHON"]).parent / "airflow"


def test_airflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `airflow dags test`."""
    (folder / "dags").mkdir()
    exported("airflow", "--run-root", str(folder), "-o", "dags/trial.py")
    for name, value in {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }.items():
        monkeypatch.setenv(name, value)
    for command in (["db", "migrate"], ["dags", "reserialize"]):
        assert carried_out(str(AIRFLOW), *command) == 0

    def run(limit: str) -> int:
        given = json.dumps({"count": 5, "limit": float(limit)})
        done = carried_out(str(AIRFLOW), "dags", "test", "trial_run", "-c", given)
        # `dags test` may succeed where the run did not.
        return done or newest_run().exit_code or 0

    check_runs(run)
