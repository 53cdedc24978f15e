"""Exported files, carried out by Prefect, Dagster, Metaflow, Flyte and ZenML."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main
from tests.cli.conftest import write_notebook
from tests.engines.servers import Servers, served
from tests.engines.trial import (
    FLOWS,
    LIMIT_SECONDS,
    NAME,
    Engine,
    Values,
    carried_out,
    check_runs,
    exit_code_in,
    free_port,
    pairs,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]
BAKERY = Path(__file__).parents[2] / "example_notebooks" / "bakery"
# What ZenML's own store says of a pipeline's run with these parameters, and what lies
# there.
ZENML = """
import json, shutil, sys
from pathlib import Path
from zenml.client import Client
given, left = json.loads(sys.argv[1]), Path(sys.argv[2])
(run,) = [
    run for run in Client().list_pipeline_runs(size=20)
    if {name: run.config.parameters.get(name) for name in given} == given
]
metrics = {}
for name, step in run.steps.items():
    metrics.update(step.run_metadata)
    for key, (artifact, *_) in step.outputs.items():
        if not key.endswith(".report"):
            shutil.copytree(artifact.load(), left / "bundles" / name)
told = {"status": run.status.value, "metrics": metrics}
(left / "told.json").write_text(json.dumps(told))
"""
FLYTE = """
import importlib.util, json, sys
import flyte
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["exported"] = module
spec.loader.exec_module(module)
flyte.init()
given = json.loads(sys.argv[3])
run = flyte.with_runcontext(mode="local").run(module.pipeline, **given)
json.dump({"metrics": run.outputs()[0]}, open(f"{sys.argv[2]}/told.json", "w"))
"""


NAMES = ("p_x", "A__b", "ab", "größe", "x_", "stage_pipeline", "start", "Pipeline")


@pytest.mark.parametrize("engine", ["prefect", "dagster", "metaflow", "flyte", "zenml"])
def test_engines_take_the_names_of_stages_and_of_notebooks(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each of them allows is its own: only it can say whether it takes ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERNAME", "somebody")
    cells = [
        (f"v{number} = {number}", [f"stage:{name}"])
        for number, name in enumerate(NAMES)
    ]
    write_notebook(tmp_path / "ünï names.ipynb", cells)
    for path in BAKERY.glob("*.*"):
        shutil.copy(path, tmp_path)
    for target in ("ünï names.ipynb", "."):
        assert main(["compile", target]) == 0
        assert main(["export", engine, target, "-o", f"{engine}_flow.py"]) == 0
        # Metaflow looks at the flow when it is asked to, the others as they import it.
        own = "import runpy, sys; runpy.run_path(sys.argv[1])"
        words = ["check"] if engine == "metaflow" else []
        command = [] if words else ["-c", own]
        assert carried_out(FLOWS, *command, f"{engine}_flow.py", *words) == 0
        Path(f"{engine}_flow.py").unlink()


def test_prefect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a server."""
    home = folder / "prefect"
    home.mkdir()
    port = free_port()
    address = f"http://127.0.0.1:{port}/api"
    monkeypatch.setenv("PREFECT_HOME", str(home))
    monkeypatch.setenv("PREFECT_API_URL", address)
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    start = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", port]

    def run(file: Path, values: Values, left: Path) -> int:
        return carried_out(FLOWS, file, *pairs(values))

    with served(Servers(home, f"{address}/health", [start], {})):
        check_runs("prefect", Engine(run))
        file = Path(f"{NAME}_prefect.py")
        assert run(file, {"count": 5, "limit": 1}, folder) == 3
        assert run(file, {"nobody": 1}, folder) == 1


def test_dagster(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `dagster job execute`."""
    (folder / "dagster").mkdir()
    (folder / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))
    # Two processes that find no database would both make its tables.
    assert carried_out("dagster", "instance", "migrate") == 0

    def run(file: Path, values: Values, left: Path) -> int:
        notebook = file.stem.removesuffix("_dagster").replace(" ", "_")
        job = f"pipeline_{notebook}"
        config = {"resources": {job: {"config": values}}}
        (left / "config.yaml").write_text(json.dumps(config))
        command = ["dagster", "job", "execute", "-f", file, "-j", job]
        return carried_out(*command, "-c", left / "config.yaml")

    check_runs("dagster", Engine(run))


def test_metaflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `run`, on this machine."""
    monkeypatch.setenv("USERNAME", "somebody")
    monkeypatch.setenv("METAFLOW_DATASTORE_SYSROOT_LOCAL", str(folder / "metaflow"))

    def run(file: Path, values: Values, left: Path) -> int:
        given = [word for name in values for word in (f"--{name}", str(values[name]))]
        return carried_out(FLOWS, file, "run", *given)

    check_runs("metaflow", Engine(run))


def test_flyte(folder: Path) -> None:
    """By `flyte.run` in its local mode."""
    (folder / "run.py").write_text(FLYTE)

    def run(file: Path, values: Values, left: Path) -> int:
        command = [FLOWS, folder / "run.py", file, left, json.dumps(values)]
        return carried_out(*command, log=left / "log", TMPDIR=str(left))

    def told(left: Path) -> dict[str, Any]:
        if not (left / "told.json").exists():
            return {"exit_code": exit_code_in(left / "log")}
        found: dict[str, Any] = json.loads((left / "told.json").read_text())
        return found

    check_runs("flyte", Engine(run, told))
    command = ["flyte", "run", "--local", f"{NAME}_flyte.py", "pipeline"]
    assert carried_out(*command, "--nobody", "1") != 0


def test_zenml(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its local orchestrator."""
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(folder / "zenml"))
    monkeypatch.setenv("ZENML_ANALYTICS_OPT_IN", "false")
    (folder / "told.py").write_text(ZENML)
    # It makes its store when it is first asked.
    assert carried_out(FLOWS.with_name("zenml"), "stack", "list") == 0

    def run(file: Path, values: Values, left: Path) -> int:
        code = carried_out(FLOWS, file, *pairs(values), log=left / "log")
        tell = [FLOWS, folder / "told.py", json.dumps(values), left]
        assert carried_out(*tell) == 0
        return code

    def told(left: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((left / "told.json").read_text())
        metrics = found["metrics"]
        passed = metrics.pop("gate total < limit", None)
        if found["status"] == "completed":
            assert passed is True
            return {"metrics": metrics}
        assert (found["status"], passed) == ("failed", False)
        return {"exit_code": exit_code_in(left / "log"), "metrics": metrics}

    check_runs("zenml", Engine(run, told))
