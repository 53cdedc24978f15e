"""A pipeline for other engines: each file is read as its engine reads it, the makefile also runs."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import compile_notebook, write_package
from jupyter_pipe.export import TARGETS, ExportError, Tasks, export_pipeline
from jupyter_pipe.model import Pipeline, StageOptions

QUICKSTART = Path(__file__).parents[2] / "example_notebooks" / "quickstart.ipynb"
TASKS = Tasks("/srv/a package", "s3://team/runs", "registry.example/quickstart:1")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return compile_notebook(QUICKSTART).pipeline


def with_options(pipeline: Pipeline, options: StageOptions) -> Pipeline:
    return replace(pipeline, stages=tuple(replace(stage, options=options) for stage in pipeline.stages))


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_pipeline_gives_the_same_text(pipeline: Pipeline, target: str) -> None:
    text = export_pipeline(target, pipeline, TASKS)
    assert text == export_pipeline(target, pipeline, TASKS)
    assert "exported by jupyter_pipe" in text
    assert text.count("run-stage '/srv/a package'") == len(pipeline.stages)


@pytest.mark.kernel
def test_make_runs_the_stages_in_order_with_parameters_from_the_environment(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    package = tmp_path / "quickstart_pipeline"
    write_package(compile_notebook(QUICKSTART, output=package), package)
    (tmp_path / "quickstart.mk").write_text(export_pipeline("make", pipeline, Tasks(package.name, ".")))
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "JUPYTER_PIPE_DAYS": "30",
        "RUN_ID": "nightly",
    }
    subprocess.run(
        ["make", "-j2", "-f", "quickstart.mk", "extremes"],
        cwd=tmp_path,
        env=environment,
        check=True,
        timeout=120,
    )
    stages = tmp_path / ".jupyter_pipe" / "runs" / "nightly" / "stages"
    assert sorted(path.name for path in stages.iterdir()) == ["extremes", "readings"]
    assert "days = 30" in (stages / "extremes" / "executed.ipynb").read_text(encoding="utf-8")


def test_argo_gets_names_images_parameters_secrets_and_resources(pipeline: Pipeline) -> None:
    wanted = StageOptions(retries=2, cpus=2, memory_bytes=10**9, gpus=1, secrets=("TOKEN",))
    manifest = yaml.safe_load(export_pipeline("argo", with_options(pipeline, wanted), TASKS))
    dag, *templates = manifest["spec"]["templates"]
    tasks = {task["name"]: task["dependencies"] for task in dag["dag"]["tasks"]}
    assert tasks == {stage.name: list(pipeline.upstream(stage.name)) for stage in pipeline.stages}
    container = templates[0]["container"]
    assert container["image"] == TASKS.image
    assert container["env"][0] == {"name": "JUPYTER_PIPE_DAYS", "value": "{{workflow.parameters.days}}"}
    secrets = [each["valueFrom"] for each in container["env"] if "valueFrom" in each]
    assert secrets == [
        {"secretKeyRef": {"name": "quickstart", "key": name}} for name in ("TOKEN", "JUPYTER_PIPE_KEY")
    ]
    assert container["resources"]["requests"] == {"cpu": "2", "memory": "1000000000"}
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 1}
    assert templates[0]["retryStrategy"] == {"limit": "2"}
    assert manifest["spec"]["arguments"]["parameters"][0] == {"name": "days", "value": "365"}


def test_argo_names_are_kubernetes_names_and_differ(pipeline: Pipeline) -> None:
    first, second, *_ = pipeline.stages
    renamed = replace(
        pipeline, stages=(replace(first, name="_fit_A"), replace(second, name="fit_a_")), edges=()
    )
    manifest = yaml.safe_load(export_pipeline("argo", renamed, TASKS))
    assert [task["name"] for task in manifest["spec"]["templates"][0]["dag"]["tasks"]] == ["fit-a", "fit-a-x"]


def test_argo_needs_an_image_for_each_stage(pipeline: Pipeline) -> None:
    with pytest.raises(ExportError, match="'readings' has no container image"):
        export_pipeline("argo", pipeline, Tasks("package", "s3://team/runs"))
    own = with_options(pipeline, StageOptions(image="own:1"))
    assert "image: own:1" in export_pipeline("argo", own, Tasks("package", "s3://team/runs"))


def test_an_airflow_module_builds_the_graph(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    operators: dict[str, Any] = {}
    edges: set[tuple[str, str]] = set()

    class BashOperator:
        def __init__(self, *, task_id: str, **settings: Any) -> None:
            operators[task_id] = settings
            self.task_id = task_id

        def __rrshift__(self, before: list[BashOperator]) -> BashOperator:
            edges.update((each.task_id, self.task_id) for each in before)
            return self

    class DAG:
        def __init__(self, dag_id: str, *, params: dict[str, str], **_: Any) -> None:
            assert dag_id == "quickstart"
            assert params == {"days": "365", "seed": "1"}

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    for name, given in {"sdk": DAG, "providers.standard.operators.bash": BashOperator}.items():
        module = types.ModuleType(f"airflow.{name}")
        setattr(module, given.__name__, given)
        monkeypatch.setitem(sys.modules, f"airflow.{name}", module)
    for name in ("airflow", "airflow.providers", "airflow.providers.standard"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    options = StageOptions(retries=3, timeout_seconds=90)
    exec(export_pipeline("airflow", with_options(pipeline, options), TASKS), {})
    assert edges == {(edge.from_, edge.to) for edge in pipeline.edges}
    assert operators["readings"]["env"]["JUPYTER_PIPE_DAYS"] == "{{ params.days }}"
    assert operators["readings"]["retries"] == 3
    assert operators["readings"]["execution_timeout"].total_seconds() == 90


def test_snakemake_escapes_what_it_would_fill_in(pipeline: Pipeline) -> None:
    text = export_pipeline("snakemake", pipeline, Tasks("a{b}", "."))
    assert "'a{{b}}'" in text
    assert "--run-id {run_id:q} --attempt {resources.attempt}" in text


def test_the_command_says_what_is_missing_and_overwrites_nothing_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / QUICKSTART.name).write_bytes(QUICKSTART.read_bytes())
    assert main(["export", "make", QUICKSTART.name]) == 2
    assert "jupyter pipe compile quickstart.ipynb" in capsys.readouterr().err
    assert main(["compile", QUICKSTART.name]) == 0
    assert main(["export", "airflow", QUICKSTART.name]) == 2
    assert "--run-root" in capsys.readouterr().err
    assert main(["export", "make", QUICKSTART.name]) == 0
    assert main(["export", "make", QUICKSTART.name]) == 0
    (tmp_path / "quickstart.mk").write_text("all:\n")
    assert main(["export", "make", QUICKSTART.name]) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "quickstart.mk").read_text() == "all:\n"
