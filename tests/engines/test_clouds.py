"""Files for clouds: their own libraries take them, and a stand-in of each cloud carries
them out."""

from __future__ import annotations

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
    Engine,
    Values,
    check_runs,
)

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]
IMAGE = ("--image", "registry.example/trial:1")
Run = Callable[[str, dict[str, str], Path], dict[str, int]]
RunEngine = Callable[[Path, Values, Path], int]


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


def runner(engine: str, run: Run, codes: dict[str, dict[str, int]]) -> RunEngine:
    """Has the library take the file and the stand-in run it; the codes of the jobs are
    kept."""

    def carry_out(file: Path, values: Values, left: Path) -> int:
        assert validated(engine, file) == ""
        given = {name: str(value) for name, value in values.items()}
        codes[left.name] = run(file.read_text(encoding="utf-8"), given, left)
        return max(codes[left.name].values())

    return carry_out


def check_codes(codes: dict[str, dict[str, int]]) -> None:
    assert {name: told.get("join") for name, told in codes.items()} == {
        "good": 0,
        "gated": 3,
        "home": None,
    }


def test_azureml(without_secret: Path) -> None:
    """Stand-in: `azure-ai-ml` takes the file, an interpreter of jobs and expressions
    runs it."""
    codes: dict[str, dict[str, int]] = {}
    engine = Engine(runner("azureml", run_azureml, codes), options=IMAGE)
    check_runs("azureml", engine)
    check_codes(codes)
    text = Path(f"{NAME}.azureml.yml").read_text()
    Path("wrong.yml").write_text(text.replace("command: |", "comand: |", 1))
    assert "jobs.make" in validated("azureml", Path("wrong.yml"))


def test_databricks(folder: Path) -> None:
    """Stand-in: `databricks-bundles` takes the job, an interpreter of tasks and
    references runs it."""
    codes: dict[str, dict[str, int]] = {}
    check_runs("databricks", Engine(runner("databricks", run_databricks, codes)))
    check_codes(codes)
    text = Path("databricks.yml").read_text()
    assert "{{secrets/trial-run/TOKEN}}" in text
    Path("wrong.yml").write_text(text.replace("max_retries", "max_tries", 1))
    assert "max_tries" in validated("databricks", Path("wrong.yml"))


def test_sagemaker(without_secret: Path) -> None:
    """Stand-in: botocore takes each processing job, an interpreter of the definition
    runs them."""
    codes: dict[str, dict[str, int]] = {}
    engine = Engine(runner("sagemaker", run_sagemaker, codes), options=IMAGE)
    check_runs("sagemaker", engine)
    check_codes(codes)
    text = Path(f"{NAME}_sagemaker.py").read_text()
    Path("wrong.py").write_text(text.replace("InstanceCount", "InstanceCounts", 1))
    assert "InstanceCounts" in validated("sagemaker", Path("wrong.py"))


@pytest.mark.parametrize("engine", ["azureml", "sagemaker"])
def test_a_cloud_without_secrets_for_jobs_says_so(
    folder: Path, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", engine, f"{NAME}_pipeline", *IMAGE]) == 2
    assert "'make' needs the secret TOKEN" in capsys.readouterr().err
    assert json.loads(Path(f"{NAME}_pipeline/pipeline.json").read_text())["stages"]
