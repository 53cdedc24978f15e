"""The exported DAG, carried out by `airflow dags test`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Lock

import pytest

from tests.engines.trial import (
    LIMIT_SECONDS,
    Engine,
    Values,
    carried_out,
    check_runs,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(2 * LIMIT_SECONDS)]
# The Python of an environment that has Airflow.
AIRFLOW = Path(os.environ["AIRFLOW_PYTHON"]).parent / "airflow"


def test_airflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `airflow dags test`."""
    dags = folder / "dags"
    dags.mkdir()
    for name, value in {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }.items():
        monkeypatch.setenv(name, value)
    assert carried_out(AIRFLOW, "db", "migrate") == 0
    known: set[Path] = set()
    lock = Lock()

    def run(file: Path, values: Values, left: Path) -> int | None:
        with lock:
            if file not in known:
                assert carried_out(AIRFLOW, "dags", "reserialize") == 0
            known.add(file)
        dag = file.stem.replace("-", "_")
        command = ["dags", "test", dag, "-c", json.dumps(values)]
        # `dags test` may succeed where the run did not.
        return carried_out(AIRFLOW, *command) or None

    check_runs("airflow", Engine(run, output=f"{dags}/{{name}}.py"))
