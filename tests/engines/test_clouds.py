"""Files for clouds: their own libraries take them, and a stand-in of each cloud carries
them out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from tests.cli.conftest import write_notebook
from tests.engines.clouds import run_azureml, run_databricks, run_sagemaker, validated
from tests.engines.trial import (
    CELLS,
    LIMIT_SECONDS,
    NAME,
    check_results,
    check_runs,
    exported,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]
IMAGE = ("--image", "registry.example/trial:1")
Run = Callable[[str, dict[str, str], Path], dict[str, int]]


@pytest.fixture
def without_secret(folder: Path) -> Path:
    """The notebook of all engines, but for the tag of a secret: some clouds have none
    for their jobs."""
    cells = [
        (source, [tag for tag in tags if not tag.startswith("secret:")])
        for source, tags in CELLS
    ]
    write_notebook(folder / f"{NAME}.ipynb", cells)
    assert main(["compile", f"{NAME}.ipynb"]) == 0
    return folder


def runner(run: Run, path: Path, tried: list[dict[str, int]]) -> Callable[[str], int]:
    """Runs with another parameter, each time in a new folder; the codes of the jobs are
    kept in `tried`."""
    numbers = itertools.count(1)

    def carry_out(limit: str) -> int:
        place = path.parent.absolute() / f"cloud-{next(numbers)}"
        tried.append(
            run(path.read_text(encoding="utf-8"), {"count": "5", "limit": limit}, place)
        )
        return max(tried[-1].values())

    return carry_out


def test_azureml(without_secret: Path) -> None:
    """Stand-in: `azure-ai-ml` takes the file, an interpreter of jobs and expressions
    runs it."""
    exported("azureml", *IMAGE)
    path = Path(f"{NAME}.azureml.yml")
    assert validated("azureml", path) == ""
    tried: list[dict[str, int]] = []
    run = runner(run_azureml, path, tried)
    check_results(run, lambda: Path(f"cloud-{len(tried)}/join/values/result.json"))
    assert [codes["join"] for codes in tried] == [0, 3]
    Path("wrong.yml").write_text(path.read_text().replace("command: |", "comand: |", 1))
    assert "jobs.make" in validated("azureml", Path("wrong.yml"))


def test_databricks(folder: Path) -> None:
    """Stand-in: `databricks-bundles` takes the job, an interpreter of tasks and
    references runs it."""
    exported("databricks", "--run-root", str(folder))
    path = Path("databricks.yml")
    assert validated("databricks", path) == ""
    tried: list[dict[str, int]] = []
    check_runs(runner(run_databricks, path, tried))
    assert [codes["join"] for codes in tried] == [0, 3]
    assert "{{secrets/trial-run/TOKEN}}" in path.read_text()
    Path("wrong.yml").write_text(
        path.read_text().replace("max_retries", "max_tries", 1)
    )
    assert "max_tries" in validated("databricks", Path("wrong.yml"))


def test_sagemaker(without_secret: Path) -> None:
    """Stand-in: botocore takes each processing job, an interpreter of the definition
    runs them."""
    exported("sagemaker", *IMAGE)
    path = Path(f"{NAME}_sagemaker.py")
    assert validated("sagemaker", path) == ""
    tried: list[dict[str, int]] = []
    run = runner(run_sagemaker, path, tried)
    check_results(run, lambda: Path(f"cloud-{len(tried)}/jobs/join/output/result.json"))
    assert [codes["join"] for codes in tried] == [0, 3]
    Path("wrong.py").write_text(
        path.read_text().replace("InstanceCount", "InstanceCounts", 1)
    )
    assert "InstanceCounts" in validated("sagemaker", Path("wrong.py"))


@pytest.mark.parametrize("engine", ["azureml", "sagemaker"])
def test_a_cloud_without_secrets_for_jobs_says_so(
    folder: Path, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", engine, f"{NAME}_pipeline", *IMAGE]) == 2
    assert "'make' needs the secret TOKEN" in capsys.readouterr().err
    assert json.loads(Path(f"{NAME}_pipeline/pipeline.json").read_text())["stages"]
