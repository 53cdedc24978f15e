"""Exported files, carried out by the light engines themselves. `make test-engines`
makes the environments and calls this."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import read_package
from jupyter_pipe.trust.keys import new_key_text
from tests.engines.argo import read_manifest
from tests.engines.argo import run as run_argo
from tests.engines.pachyderm import commit, read_specs
from tests.engines.pachyderm import run as run_pachyderm
from tests.engines.trial import (
    COMMAND,
    ENGINES,
    LIMIT_SECONDS,
    NAME,
    RUN_FOLDERS,
    WORD,
    Engine,
    Values,
    carried_out,
    check_cells,
    check_runs,
    expected,
    newest_run,
    pairs,
    result_in,
    said,
    shown_by,
    variables,
    wait,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]
KALE = Path(__file__).parents[1] / "kale" / "hikers.ipynb"
KFP = """
import importlib.util, json, sys
from kfp import local
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["exported"] = module
spec.loader.exec_module(module)
runner = local.SubprocessRunner(use_venv=False)
local.init(runner=runner, pipeline_root=sys.argv[2], raise_on_error=False)
module.pipeline(**json.loads(sys.argv[3]))
"""
# Its bundles go with its process, and what it tells with them.
KEDRO = """
import importlib.util, json, shutil, sys, yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import ThreadRunner
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
values = {**yaml.safe_load(open("parameters.yml")), **json.loads(sys.argv[3])}
catalog = DataCatalog({f"params:{name}": MemoryDataset(value) for name, value in values.items()})
try:
    ran = ThreadRunner(max_workers=2).run(module.create_pipeline(), catalog)
    found = {name: ran[name] for name in ran if name.endswith(".metrics")}
    told = {name: it.load() if hasattr(it, "load") else it for name, it in found.items()}
    json.dump(told, open(f"{sys.argv[2]}/told.json", "w"))
finally:
    shutil.copytree(module.BUNDLES.name, f"{sys.argv[2]}/bundles")
"""


def test_make(folder: Path) -> None:
    """By two jobs at a time."""

    def run(file: Path, values: Values, left: Path) -> int:
        return carried_out("make", "-j2", "-f", file, **variables(values))

    check_runs("make", Engine(run))


def test_snakemake(folder: Path) -> None:
    """By `snakemake` on two cores."""

    def run(file: Path, values: Values, left: Path) -> int:
        command = ["snakemake", "-s", file, "--cores", "2", "--quiet", "all"]
        return carried_out(*command, "--config", *pairs(values))

    check_runs("snakemake", Engine(run))
    assert run(Path(f"{NAME}.smk"), {"nobody": 1}, folder) != 0


def test_luigi(folder: Path) -> None:
    """By the local scheduler, two workers."""

    def run(file: Path, values: Values, left: Path) -> int:
        command = [ENGINES, file, "All", "--local-scheduler", "--workers", "2"]
        return carried_out(*command, *options(values, "-"))

    check_runs("luigi", Engine(run))


def options(values: Values, hyphen: str) -> list[str]:
    """Parameters as options, with that for an underscore in a name."""
    return [f"--{name.replace('_', hyphen)}={value}" for name, value in values.items()]


def test_argo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-in: an interpreter of its templates, in the tests."""
    monkeypatch.setenv("JUPYTER_PIPE_KEY", new_key_text())
    names = ("TOKEN", "JUPYTER_PIPE_KEY")
    secrets = {name: os.environ[name] for name in names}
    tried: dict[str, dict[str, int]] = {}

    def run(file: Path, values: Values, left: Path) -> int:
        manifest = read_manifest(file.read_text(encoding="utf-8"))
        given = {name: str(value) for name, value in values.items()}
        tried[left.name] = run_argo(manifest, left.name, given, secrets)
        return min(tried[left.name].values()) < 0

    check_runs("argo", Engine(run, options=("--image", "registry.example/trial:1")))
    once = {"make": 2, "left": 1, "right": 1}
    assert tried["good"] == {**once, "join": 1}
    assert tried["gated"] == {**once, "join": -1}


def test_pachyderm(folder: Path) -> None:
    """Stand-in: an interpreter of its pipeline specs, in the tests."""
    ran: dict[str, dict[str, int]] = {}

    def run(file: Path, values: Values, left: Path) -> int:
        specs = read_specs(file.read_text(encoding="utf-8"))
        written = yaml.safe_load(Path("parameters.yaml").read_text(encoding="utf-8"))
        parameters = left / "parameters.yaml"
        parameters.write_text(json.dumps({**written, **values}))
        first = specs[0]["input"]["pfs"]["repo"]
        commit(left / "repositories", first, parameters)
        secrets = {"TOKEN": os.environ["TOKEN"]}
        ran[left.name] = run_pachyderm(specs, left / "repositories", secrets)
        return max(ran[left.name].values())

    image = ("--image", "registry.example/trial:1")
    check_runs("pachyderm", Engine(run, options=image))
    stages = [f"trial-run-{stage}" for stage in ("make", "left", "right", "join")]
    assert ran["good"] == dict.fromkeys(stages, 0)
    assert ran["gated"] == {**ran["good"], "trial-run-join": 3}


def test_kfp(folder: Path) -> None:
    """By `kfp.local.SubprocessRunner`."""
    (folder / "run.py").write_text(KFP)

    def run(file: Path, values: Values, left: Path) -> int | None:
        command = [ENGINES, folder / "run.py", file, left, json.dumps(values)]
        return carried_out(*command) or None

    def told(left: Path) -> dict[str, Any]:
        (metrics,) = left.glob("*/stage-join/pipe_metrics")
        found: dict[str, Any] = json.loads(metrics.read_text(encoding="utf-8"))
        return found

    check_runs("kfp", Engine(run, told))


def test_kfp_shows_what_a_notebook_of_kale_s_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register is cleaned step by step, five models learn from it, and the table of
    their scores is that of the notebook; the tags are Kale's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{ENGINES.parent}:{os.environ['PATH']}")
    shutil.copy(KALE, tmp_path)
    assert main(["compile", KALE.name]) == 0
    (package,) = tmp_path.glob("*_pipeline")
    export = ["export", "kfp", package.name, "--command", COMMAND, "-o", "kale_kfp.py"]
    assert main(export) == 0
    Path("run.py").write_text(KFP)
    given = json.dumps({"seed": 4})
    assert carried_out(ENGINES, "run.py", "kale_kfp.py", "kfp", given) == 0
    shown = shown_by(tmp_path / KALE.name, seed="4")
    assert any(
        "logistic" in text and "bayes" in text
        for outputs in shown.values()
        for _, text in outputs
    )
    check_cells(shown, len(read_package(package).stages))


def test_kedro(folder: Path) -> None:
    """By `ThreadRunner`."""
    (folder / "run.py").write_text(KEDRO)

    def run(file: Path, values: Values, left: Path) -> int:
        command = [ENGINES, folder / "run.py", file, left, json.dumps(values)]
        return carried_out(*command)

    def told(left: Path) -> dict[str, Any]:
        found = result_in(left, "join")
        if (left / "told.json").exists():
            metrics = json.loads((left / "told.json").read_text())
            assert metrics["join.metrics"] == found["metrics"]
        return found

    check_runs("kedro", Engine(run, told))


def test_dvc(folder: Path) -> None:
    """By `dvc repro`."""

    def run(file: Path, values: Values, left: Path) -> int:
        # A workspace of DVC's holds one set of values: another run is another clone.
        clone = left / "clone"
        others = shutil.ignore_patterns(*RUN_FOLDERS)
        shutil.copytree(Path(), clone, ignore=others)
        written = yaml.safe_load((clone / "params.yaml").read_text())
        (clone / "params.yaml").write_text(json.dumps({**written, **values}))
        assert carried_out("dvc", "init", "--no-scm", "--quiet", cwd=clone) == 0
        return carried_out("dvc", "repro", "--quiet", cwd=clone)

    check_runs("dvc", Engine(run))


@pytest.mark.usefixtures("slurm")
def test_slurm(folder: Path) -> None:
    """By slurmctld and slurmd on one machine."""

    def run(file: Path, values: Values, left: Path) -> None:
        assert carried_out("bash", file, **variables(values)) == 0
        wait(lambda: not said("squeue", "--noheader"))

    check_runs("slurm", Engine(run))


def test_the_local_run_is_what_engines_are_compared_with(folder: Path) -> None:
    assert main(["run", f"{NAME}.ipynb", "-p", "count=5"]) == 0
    assert newest_run().metrics == {"total": 10 * (5 + len(WORD))}
    assert expected(NAME).metrics == newest_run().metrics
