"""Several notebooks in the files of other engines: names that these can hold, and
stages that find their files and values."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler.notebook_list import list_notebooks
from jupyter_pipe.compiler.several import compile_several
from jupyter_pipe.export import BUILT_IN, Options, export_text, find_exporter, plan_of
from jupyter_pipe.export.plan import ExportError
from jupyter_pipe.model import Parameter, Pipeline
from jupyter_pipe.runs.store import RunStore
from tests.several.shop import INGEST, TRAIN, write_shop

OPTIONS = Options(package="/app/shop", run_root="/Volumes/runs", image="image:1")
REPOSITORY = replace(OPTIONS, package="shop_pipeline")
PYTHON = (
    *("airflow", "dagster", "flyte", "kedro", "kfp", "luigi", "metaflow", "prefect"),
    *("sagemaker", "zenml"),
)
TASKS = [
    *("ingest__load", "ingest__clean", "train__read", "train__widen", "train__fit"),
    *("report__compare", "report__write"),
]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of three notebooks, the second of which has a module beside it; it is
    the working directory."""
    monkeypatch.delenv("MODE", raising=False)
    monkeypatch.delenv("CI", raising=False)
    folder = tmp_path / "shop"
    text, tags = TRAIN[3]
    widen = (text.replace("+= depth", "+= deeper.EXTRA + depth"), tags)
    write_shop(folder, train=[("import deeper", ()), *TRAIN[:3], widen, *TRAIN[4:]])
    (folder / "models" / "deeper.py").write_text("EXTRA = 100\n")
    monkeypatch.chdir(folder)
    return folder


def pipeline_of(folder: Path) -> Pipeline:
    return compile_several(list_notebooks([folder])).pipeline


@pytest.mark.parametrize("engine", sorted(set(BUILT_IN) - {"dockerfile"}))
def test_every_engine_gets_names_that_it_can_hold(shop: Path, engine: str) -> None:
    options = REPOSITORY if find_exporter(engine).paths == "relative" else OPTIONS
    exporter, plan = find_exporter(engine), plan_of(pipeline_of(shop), options)
    text = export_text(exporter, plan)
    assert "train.fit" not in text.replace("notebooks/train.fit.ipynb", "")
    if engine in PYTHON:
        ast.parse(text)
    elif engine not in {"make", "slurm", "snakemake"}:
        # Pachyderm's file has a document for each pipeline.
        assert list(yaml.safe_load_all(text))
    said = "".join([text, *exporter.companions(plan).values()]).casefold()
    # Files of parameters have our own names.
    named = "train__depth" in said or "train.depth:" in said
    assert named or engine == "slurm"


def test_the_plan_has_the_graph_by_names_of_its_own(shop: Path) -> None:
    plan = plan_of(pipeline_of(shop), OPTIONS)
    assert [task.name for task in plan.tasks] == TASKS
    tasks = {task.name: task for task in plan.tasks}
    assert tasks["train__fit"].after == ("train__read", "train__widen")
    assert tasks["report__write"].take == tuple(TASKS[:5])
    assert [each.variable for each in tasks["train__fit"].parameters] == [
        "JUPYTER_PIPE_TRAIN__FACTOR",
        "JUPYTER_PIPE_TRAIN__DEPTH",
    ]


def test_what_tasks_could_not_tell_apart_or_find_is_refused(shop: Path) -> None:
    pipeline = pipeline_of(shop)
    first = pipeline.parameters[0]
    twins = (
        replace(first, name="a.b__c"),
        Parameter("a__b.c", first.type_, first.default, first.literal),
    )
    with pytest.raises(
        ExportError, match=r"'a\.b__c' and 'a__b\.c' would both be passed"
    ):
        plan_of(replace(pipeline, parameters=twins), OPTIONS)
    outside = replace(pipeline.notebooks[1], folder="../models")
    with pytest.raises(ExportError, match="does not lie below the folder of shop"):
        plan_of(replace(pipeline, notebooks=(outside,)), OPTIONS)


def test_a_package_that_is_stale_is_not_exported(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "make", "."]) == 2
    assert "jupyter pipe compile ." in capsys.readouterr().err
    assert main(["compile", "."]) == 0
    assert main(["export", "make", "pipeline.toml"]) == 0
    assert main(["export", "make", "pipeline.toml", "--check"]) == 0
    write_shop(shop, ingest=[*INGEST, ("print(1)", ["stage:more"])])
    assert main(["export", "make", "."]) == 2
    assert main(["compile", "."]) == 0
    assert main(["export", "make", ".", "--check"]) == 2


@pytest.mark.kernel
def test_make_computes_what_a_run_here_computes(shop: Path) -> None:
    """In a folder of the run, to which the module beside `train.ipynb` is carried."""
    assert main(["run", ".", "-p", "days=4", "-p", "train.depth=4"]) == 0
    expected = (shop / "report.txt").read_text()
    assert expected == "1.091 within {'low': 0, 'high': 6}"
    (shop / "report.txt").unlink()
    assert main(["compile", "."]) == 0
    assert main(["export", "make", "."]) == 0
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "JUPYTER_PIPE_DAYS": "4",
        "JUPYTER_PIPE_TRAIN__DEPTH": "4",
        "RUN_ID": "nightly",
    }
    command = ["make", "-j2", "-f", "shop.mk"]
    subprocess.run(command, cwd=shop, env=environment, check=True, timeout=240)
    run = RunStore(shop).read("nightly")
    assert {stage.name: stage.state.value for stage in run.stages} == dict.fromkeys(
        (name.replace("__", ".") for name in TASKS), "succeeded"
    )
    files = shop / ".jupyter_pipe" / "runs" / "nightly" / "files"
    assert (files / "report.txt").read_text() == expected
    assert not (shop / "report.txt").exists()


@pytest.mark.kernel
def test_values_and_files_travel_in_bundles(shop: Path, tmp_path: Path) -> None:
    """Each stage in a folder of its own, which has nothing but what others left."""
    assert main(["compile", "."]) == 0
    plan = plan_of(pipeline_of(shop), replace(OPTIONS, package="shop_pipeline"))
    for task in plan.tasks:
        words = plan.with_bundles(task, "bundles")
        result = tmp_path / f"{task.name}.json"
        assert main([*words[1:], "-p", "train__depth=4", "--result", str(result)]) == 0
    told = json.loads((tmp_path / "report__write.json").read_text())
    assert told["stage"] == "report.write"
    assert told["parameters"]["train.depth"] == 4
    shutil.rmtree(shop / "bundles" / "train__fit")
    words = plan.with_bundles(plan.tasks[-1], "bundles")
    assert main(words[1:]) == 2
