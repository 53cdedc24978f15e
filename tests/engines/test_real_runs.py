"""Exported files, carried out by the light engines themselves. `make test-engines`
makes the environments and calls this."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import read_package
from jupyter_pipe.trust.keys import new_key_text
from tests.engines.argo import read_manifest
from tests.engines.argo import run as run_argo
from tests.engines.trial import (
    ENGINES,
    LIMIT_SECONDS,
    NAME,
    WORD,
    carried_out,
    check_cells,
    check_results,
    check_runs,
    exported,
    newest_run,
    said,
    shown_by,
    wait,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]
KALE = Path(__file__).parents[1] / "kale" / "hikers.ipynb"
KFP = """
import importlib.util, sys
from kfp import local
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["exported"] = module
spec.loader.exec_module(module)
local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root="kfp", raise_on_error=False)
result = module.pipeline(count=5, limit=float(sys.argv[2]))
"""
KEDRO = """
import importlib.util, json, sys, yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import ThreadRunner
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
values = {**yaml.safe_load(open("parameters.yml")), "count": 5, "limit": float(sys.argv[2])}
catalog = DataCatalog({f"params:{name}": MemoryDataset(value) for name, value in values.items()})
ran = ThreadRunner(max_workers=2).run(module.create_pipeline(), catalog)
found = ran["join.metrics"]
json.dump({"metrics": found.load() if hasattr(found, "load") else found}, open("join.json", "w"))
"""


def test_make(folder: Path) -> None:
    """By two jobs at a time."""
    exported("make")
    check_runs(
        lambda limit: carried_out(
            "make",
            "-j2",
            "-f",
            f"{NAME}.mk",
            JUPYTER_PIPE_COUNT="5",
            JUPYTER_PIPE_LIMIT=limit,
        )
    )


def test_snakemake(folder: Path) -> None:
    """By `snakemake` on two cores."""
    exported("snakemake")
    command = [
        "snakemake",
        "-s",
        f"{NAME}.smk",
        "--cores",
        "2",
        "--quiet",
        "all",
        "--config",
        "count=5",
    ]
    check_runs(lambda limit: carried_out(*command, f"limit={limit}"))
    assert carried_out(*command, "nobody=1") != 0


def test_luigi(folder: Path) -> None:
    """By the local scheduler, two workers."""
    exported("luigi")
    command = [
        str(ENGINES),
        f"{NAME}_luigi.py",
        "All",
        "--local-scheduler",
        "--workers",
        "2",
        "--count",
        "5",
    ]
    check_runs(lambda limit: carried_out(*command, "--limit", limit))


def test_argo(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-in: an interpreter of its templates, in the tests."""
    monkeypatch.setenv("JUPYTER_PIPE_KEY", new_key_text())
    exported("argo", "--image", "registry.example/trial:1", "--run-root", str(folder))
    manifest = read_manifest(Path(f"{NAME}.argo.yaml").read_text())
    secrets = {
        "TOKEN": "sesame-open",
        "JUPYTER_PIPE_KEY": os.environ["JUPYTER_PIPE_KEY"],
    }
    runs = (f"trial-run-{number}" for number in range(9))
    tried: list[dict[str, int]] = []

    def run(limit: str) -> int:
        tried.append(
            run_argo(manifest, next(runs), {"count": "5", "limit": limit}, secrets)
        )
        return min(tried[-1].values()) < 0

    check_runs(run)
    once = {"make": 2, "left": 1, "right": 1}
    assert tried == [{**once, "join": 1}, {**once, "join": -1}]


def test_kfp(folder: Path) -> None:
    """By `kfp.local.SubprocessRunner`."""
    exported("kfp")
    Path("run.py").write_text(KFP)

    def newest() -> Path:
        found = Path("kfp").glob("*/stage-join/pipe_metrics")
        return max(found, key=lambda path: path.stat().st_mtime)

    def run(limit: str) -> int:
        carried_out(str(ENGINES), "run.py", f"{NAME}_kfp.py", limit)
        return int(json.loads(newest().read_text())["exit_code"])

    check_results(run, newest)
    assert run("1.0") == 3


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
    command = str(Path(sys.executable).parent / "jupyter-pipe")
    assert (
        main(["export", "kfp", package.name, "--command", command, "-o", "kale_kfp.py"])
        == 0
    )
    Path("run.py").write_text(
        KFP.replace("count=5, limit=float(sys.argv[2])", "seed=4")
    )
    assert carried_out(str(ENGINES), "run.py", "kale_kfp.py") == 0
    shown = shown_by(tmp_path / KALE.name, seed="4")
    assert any(
        "logistic" in text and "bayes" in text
        for outputs in shown.values()
        for _, text in outputs
    )
    check_cells(shown, len(read_package(package).stages))


def test_kedro(folder: Path) -> None:
    """By `ThreadRunner`."""
    exported("kedro")
    Path("run.py").write_text(KEDRO)
    check_results(
        lambda limit: carried_out(str(ENGINES), "run.py", f"{NAME}_kedro.py", limit),
        lambda: Path("join.json"),
        cells=False,  # its bundles go with its process
    )


def test_dvc(folder: Path) -> None:
    """By `dvc repro`."""
    exported("dvc")
    assert carried_out("dvc", "init", "--no-scm", "--quiet") == 0
    result = Path(".jupyter_pipe/dvc/join.json")

    def run(limit: str) -> int:
        Path("params.yaml").write_text(
            json.dumps({"count": 5, "limit": float(limit), "word": WORD})
        )
        return carried_out("dvc", "repro", "--quiet")

    check_results(run, lambda: result)
    assert json.loads(result.read_text())["exit_code"] == 3


@pytest.mark.usefixtures("slurm")
def test_slurm(folder: Path) -> None:
    """By slurmctld and slurmd on one machine."""
    exported("slurm")

    def run(limit: str) -> int:
        given = {"JUPYTER_PIPE_COUNT": "5", "JUPYTER_PIPE_LIMIT": limit}
        assert carried_out("bash", f"{NAME}.slurm.sh", **given) == 0
        wait(lambda: not said("squeue", "--noheader"))
        return newest_run().exit_code or 0

    check_runs(run)


def test_the_local_run_is_what_engines_are_compared_with(folder: Path) -> None:
    assert main(["run", f"{NAME}.ipynb", "-p", "count=5"]) == 0
    assert newest_run().metrics == {"total": 10 * (5 + len(WORD))}
    shutil.rmtree("marks")
