"""Exported files, carried out by Prefect, Dagster, Metaflow, Flyte and ZenML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engines.trial import (
    FLOWS,
    LIMIT_SECONDS,
    NAME,
    carried_out,
    check_results,
    check_runs,
    exported,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]
# What ZenML's own store says of the pipeline's last run.
ZENML = """
import json, sys
from zenml.client import Client
run = Client().get_pipeline("trial-run").last_run
step = run.steps.get("stage_join")
told = {"status": run.status.value, "metrics": dict(step.run_metadata) if step else {}}
json.dump(told, open("told.json", "w"))
"""
FLYTE = """
import importlib.util, json, sys
import flyte
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["exported"] = module
spec.loader.exec_module(module)
flyte.init()
run = flyte.with_runcontext(mode="local").run(module.pipeline, count=5, limit=float(sys.argv[2]))
json.dump({"metrics": run.outputs()[0]}, open("told.json", "w"))
"""


def test_prefect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a temporary server."""
    exported("prefect")
    monkeypatch.setenv("PREFECT_HOME", str(folder / "prefect"))
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    # Its temporary server takes minutes to come up where the machine is busy.
    monkeypatch.setenv(
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", str(LIMIT_SECONDS // 2)
    )
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
        Path("config.yaml").write_text(
            json.dumps({"resources": {"pipeline_trial_run": {"config": config}}})
        )
        command = [
            "dagster",
            "job",
            "execute",
            "-f",
            f"{NAME}_dagster.py",
            "-j",
            "pipeline_trial_run",
        ]
        return carried_out(*command, "-c", "config.yaml")

    check_runs(run)


def test_metaflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `run`, on this machine."""
    exported("metaflow")
    monkeypatch.setenv("USERNAME", "somebody")
    monkeypatch.setenv("METAFLOW_DATASTORE_SYSROOT_LOCAL", str(folder / "metaflow"))
    command = [str(FLOWS), f"{NAME}_metaflow.py", "run", "--count", "5", "--limit"]
    check_runs(lambda limit: carried_out(*command, limit))


def test_flyte(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `flyte.run` in its local mode."""
    exported("flyte")
    (folder / "bundles").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "bundles"))
    Path("run.py").write_text(FLYTE)

    def run(limit: str) -> int:
        Path("told.json").unlink(missing_ok=True)
        return carried_out(str(FLOWS), "run.py", f"{NAME}_flyte.py", limit)

    check_results(run, lambda: Path("told.json"))
    command = ["flyte", "run", "--local", f"{NAME}_flyte.py", "pipeline"]
    assert carried_out(*command, "--nobody", "1") != 0


def test_zenml(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its local orchestrator."""
    exported("zenml")
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(folder / "zenml"))
    monkeypatch.setenv("ZENML_ANALYTICS_OPT_IN", "false")
    Path("told.py").write_text(ZENML)

    def run(limit: str) -> int:
        code = carried_out(str(FLOWS), f"{NAME}_zenml.py", "count=5", f"limit={limit}")
        assert carried_out(str(FLOWS), "told.py") == 0
        return code

    def result() -> Path:
        told = json.loads(Path("told.json").read_text())
        told["metrics"] = {
            key: value for key, value in told["metrics"].items() if key == "total"
        }
        Path("told.json").write_text(json.dumps(told))
        return Path("told.json")

    # Its store keeps bundles as archives.
    check_results(run, result, cells=False)
    assert json.loads(Path("told.json").read_text())["status"] == "failed"
    assert run("1000.0") == 0
    assert (
        json.loads(Path("told.json").read_text())["metrics"]["gate total < limit"]
        is True
    )
