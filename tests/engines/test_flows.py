"""Exported files, carried out by Prefect, Dagster and Metaflow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engines.trial import FLOWS, LIMIT_SECONDS, NAME, carried_out, check_runs, exported

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]


def test_prefect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a temporary server."""
    exported("prefect")
    monkeypatch.setenv("PREFECT_HOME", str(folder / "prefect"))
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    # Its temporary server takes minutes to come up where the machine is busy.
    monkeypatch.setenv("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", str(LIMIT_SECONDS // 2))
    command = [str(FLOWS), f"{NAME}_prefect.py", "count=5"]
    check_runs(lambda limit: carried_out(*command, f"limit={limit}"))
    assert carried_out(*command, "limit=1") == 3
    assert carried_out(*command, "nobody=1") == 1


def test_dagster(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `dagster job execute`."""
    exported("dagster")
    (folder / "dagster").mkdir()
    (folder / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))

    def run(limit: str) -> int:
        config = {"count": 5, "limit": float(limit)}
        Path("config.yaml").write_text(json.dumps({"resources": {"parameters": {"config": config}}}))
        command = ["dagster", "job", "execute", "-f", f"{NAME}_dagster.py", "-j", "pipeline_trial_run"]
        return carried_out(*command, "-c", "config.yaml")

    check_runs(run)


def test_metaflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `run`, on this machine."""
    exported("metaflow")
    monkeypatch.setenv("USERNAME", "somebody")
    monkeypatch.setenv("METAFLOW_DATASTORE_SYSROOT_LOCAL", str(folder / "metaflow"))
    command = [str(FLOWS), f"{NAME}_metaflow.py", "run", "--count", "5", "--limit"]
    check_runs(lambda limit: carried_out(*command, limit))
