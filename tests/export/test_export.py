"""A pipeline for other engines: the plan, the golden files, and what the command does
with them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import compile_notebook, write_package
from jupyter_pipe.compiler.notebook_list import list_notebooks
from jupyter_pipe.compiler.several import compile_several
from jupyter_pipe.export import (
    BUILT_IN,
    Exporter,
    ExportError,
    Options,
    export_text,
    find_exporter,
    left_out,
    plan_of,
    read_options,
)
from jupyter_pipe.export.digests import stage_digests
from jupyter_pipe.export.manifests.databricks import quartz
from jupyter_pipe.export.plan import Plan
from jupyter_pipe.model import Pipeline, StageOptions
from tests.engines.pachyderm import read_specs

EXAMPLES = Path(__file__).parents[2] / "example_notebooks"
QUICKSTART = EXAMPLES / "quickstart.ipynb"
GOLDEN = Path(__file__).parent / "golden"
OPTIONS = Options(
    "/srv/a package",
    "s3://team/runs",
    "registry.example/quickstart:1",
    "/opt/bin/jupyter-pipe",
)
# Every option that a stage can have.
WANTED = StageOptions(
    retries=2,
    timeout_seconds=90,
    cache_seconds=0,
    cpus=2,
    memory_bytes=10**9,
    gpus=1,
    secrets=("TOKEN",),
    limits={"example.org/fpga": "1"},
)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return compile_notebook(QUICKSTART).pipeline


def with_options(pipeline: Pipeline, options: StageOptions) -> Pipeline:
    return replace(
        pipeline,
        stages=tuple(replace(stage, options=options) for stage in pipeline.stages),
    )


def written(engine: str, pipeline: Pipeline, options: Options = OPTIONS) -> str:
    digests = {stage.name: "0123456789abcdef" for stage in pipeline.stages}
    return export_text(find_exporter(engine), plan_of(pipeline, options, digests))


@pytest.mark.parametrize("engine", BUILT_IN)
def test_files_are_the_golden_ones(pipeline: Pipeline, engine: str) -> None:
    text = written(
        engine,
        replace(pipeline, schedule="0 6 * * *", description="A year of readings."),
    )
    path = GOLDEN / engine
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert "import jupyter_pipe" not in text
    assert read_options(text) == (engine, OPTIONS)


@pytest.mark.parametrize(
    "engine", ["airflow", "github", "kfp", "pachyderm", "snakemake"]
)
def test_files_for_several_notebooks_are_the_golden_ones(engine: str) -> None:
    bakery = compile_several(list_notebooks([EXAMPLES / "bakery"])).pipeline
    is_in_repository = find_exporter(engine).paths == "relative"
    package = "bakery_pipeline" if is_in_repository else "/srv/bakery_pipeline"
    text = written(engine, bakery, replace(OPTIONS, package=package))
    path = GOLDEN / "bakery" / engine
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "engine",
    [
        "airflow",
        "dagster",
        "flyte",
        "kedro",
        "kfp",
        "luigi",
        "metaflow",
        "prefect",
        "sagemaker",
        "zenml",
    ],
)
def test_python_files_pass_the_linter(pipeline: Pipeline, engine: str) -> None:
    # What they have no word for they refuse.
    refused: dict[str, dict[str, Any]] = {
        "sagemaker": {"secrets": ()},
        "kfp": {"gpus": 0},
    }
    wanted = replace(WANTED, **refused.get(engine, {}))
    text = written(engine, with_options(pipeline, wanted))
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select=E,F,B",
        "--ignore=E501,B905",
        "-",
    ]
    done = subprocess.run(
        command, input=text, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_process_of_kedro_leaves_no_bundles_behind(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    (tmp_path / "exported.py").write_text(written("kedro", pipeline), encoding="utf-8")
    (tmp_path / "kedro").mkdir()
    (tmp_path / "kedro" / "pipeline.py").write_text(
        "node = pipeline = print\n", encoding="utf-8"
    )
    code = (
        "import exported, tempfile; print(tempfile.mkdtemp(dir=exported.BUNDLES.name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=True,
    )
    bundle = Path(done.stdout.strip())
    assert bundle.parent.name.startswith("bundles-")
    assert not bundle.parent.exists()


def test_the_plan_says_what_an_engine_has_to_know(pipeline: Pipeline) -> None:
    plan = plan_of(with_options(pipeline, WANTED), OPTIONS, {"trend": "ab"})
    tasks = {task.name: task for task in plan.tasks}
    assert tasks["summary"].after == ("readings", "trend", "extremes")
    assert tasks["extremes"].take == ("readings",)
    assert tasks["summary"].gates == ("spread < 50",)
    assert tasks["trend"].digest == "ab"
    assert [(each.name, each.type_, each.default) for each in plan.parameters] == [
        ("days", "int", 365),
        ("seed", "int", 1),
    ]
    assert not tasks["trend"].cache
    assert plan.words(tasks["trend"]) == [
        "/opt/bin/jupyter-pipe",
        "run-stage",
        "/srv/a package",
        "trend",
    ]


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("make", ["schedule (0 6 * * *)", "memory of ", "gpus of ", "limits of "]),
        ("slurm", ["schedule (0 6 * * *)"]),
        ("argo", []),
    ],
)
def test_what_an_engine_has_no_word_for_is_said(
    pipeline: Pipeline, engine: str, expected: list[str]
) -> None:
    plan = plan_of(
        replace(with_options(pipeline, WANTED), schedule="0 6 * * *"), OPTIONS
    )
    found = left_out(find_exporter(engine), plan)
    assert [
        text[: len(start)] for text, start in zip(found, expected, strict=True)
    ] == expected


def test_a_digest_changes_with_code_modules_and_requirements(tmp_path: Path) -> None:
    notebook = tmp_path / QUICKSTART.name
    notebook.write_bytes(QUICKSTART.read_bytes())
    package = tmp_path / "quickstart_pipeline"
    compiled = compile_notebook(notebook, output=package)
    write_package(compiled, package)
    pipeline = replace(
        compiled.pipeline,
        stages=tuple(
            replace(stage, imports=("helper",)) for stage in compiled.pipeline.stages
        ),
    )
    found = [stage_digests(package, pipeline)]
    (tmp_path / "helper.py").write_text("x = 1\n")
    found.append(stage_digests(package, pipeline))
    (package / "requirements.txt").write_text("numpy\n")
    found.append(stage_digests(package, pipeline))
    (package / "notebooks" / "trend.ipynb").write_text("{}")
    found.append(stage_digests(package, pipeline))
    assert len({each["trend"] for each in found}) == 4
    assert len({each["summary"] for each in found}) == 3


# One engine after the other


def test_argo_knows_all_that_a_stage_asks_for(pipeline: Pipeline) -> None:
    manifest = yaml.safe_load(written("argo", with_options(pipeline, WANTED)))
    dag, *templates = manifest["spec"]["templates"]
    tasks = {task["name"]: task["dependencies"] for task in dag["dag"]["tasks"]}
    assert tasks == {
        stage.name: list(pipeline.upstream(stage.name)) for stage in pipeline.stages
    }
    first = templates[0]
    container = first["container"]
    secrets = [each["valueFrom"] for each in container["env"] if "valueFrom" in each]
    assert secrets == [
        {"secretKeyRef": {"name": "quickstart", "key": name}}
        for name in ("TOKEN", "JUPYTER_PIPE_KEY")
    ]
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "1000000000"},
        "limits": {"nvidia.com/gpu": "1", "example.org/fpga": "1"},
    }
    # An exit code that another attempt would repeat ends the stage.
    assert first["retryStrategy"] == {
        "limit": "2",
        "retryPolicy": "Always",
        "expression": "lastRetry.exitCode in ['1', '-1']",
    }
    assert first["activeDeadlineSeconds"] == 90
    assert "--attempt '{{=asInt(retries) + 1}}'" in container["args"][0]


def test_argo_has_schedules_choices_and_a_volume(pipeline: Pipeline) -> None:
    chosen = replace(pipeline.parameters[0], choices=(30, 365), description="how many")
    changed = replace(pipeline, schedule="0 6 * * *", parameters=(chosen,))
    manifest = yaml.safe_load(
        written("argo", changed, replace(OPTIONS, run_root="/runs"))
    )
    assert manifest["kind"] == "CronWorkflow"
    assert manifest["spec"]["schedules"] == ["0 6 * * *"]
    spec = manifest["spec"]["workflowSpec"]
    assert spec["arguments"]["parameters"] == [
        {
            "name": "days",
            "value": "365",
            "enum": ["30", "365"],
            "description": "how many",
        }
    ]
    assert spec["volumes"] == [
        {"name": "runs", "persistentVolumeClaim": {"claimName": "quickstart"}}
    ]
    mounts = [each["container"]["volumeMounts"] for each in spec["templates"][1:]]
    assert mounts == [[{"name": "runs", "mountPath": "/runs"}]] * 4


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("_fit_A", "fit_a_"), ["fit-a", "fit-a-x"]),
        (("all_stages", "x"), ["all-stages-x", "x"]),
    ],
)
def test_argo_names_are_kubernetes_names_and_differ(
    pipeline: Pipeline, names: tuple[str, str], labels: list[str]
) -> None:
    first, second, *_ = pipeline.stages
    renamed = replace(
        pipeline,
        stages=(replace(first, name=names[0]), replace(second, name=names[1])),
        edges=(),
    )
    manifest = yaml.safe_load(written("argo", renamed))
    dag = manifest["spec"]["templates"][0]
    assert [task["name"] for task in dag["dag"]["tasks"]] == labels
    assert dag["name"] not in labels


def test_argo_needs_an_image_for_each_stage(pipeline: Pipeline) -> None:
    without = replace(OPTIONS, image="")
    with pytest.raises(ExportError, match="'readings' has no container image"):
        written("argo", pipeline, without)
    assert "image: own:1" in written(
        "argo", with_options(pipeline, StageOptions(image="own:1")), without
    )


def test_pachyderm_knows_all_that_a_stage_asks_for(pipeline: Pipeline) -> None:
    clock, first, *_ = read_specs(
        written(
            "pachyderm",
            replace(with_options(pipeline, WANTED), schedule="0 6 * * *"),
        )
    )
    tick = {"name": "tick", "spec": "0 6 * * *", "overwrite": True}
    assert clock["input"] == {"cron": tick}
    secret = {"name": "quickstart", "key": "TOKEN", "envVar": "TOKEN"}
    assert first["transform"]["secrets"] == [secret]
    assert first["resourceRequests"] == {"cpu": 2.0, "memory": "1000000000"}
    (patch,) = json.loads(first["podPatch"])
    assert patch["value"] == {"nvidia.com/gpu": "1", "example.org/fpga": "1"}
    # Three attempts within one try of Pachyderm's, which knows nothing of exit codes.
    assert (first["datumTries"], first["datumTimeout"]) == (1, "270s")
    assert first["reprocessSpec"] == "every_job"


def test_pachyderm_has_short_names_that_differ(pipeline: Pipeline) -> None:
    first, second, *_ = pipeline.stages
    long = "a_stage_whose_name_goes_on_for_longer_than_there_is_room"
    renamed = replace(
        pipeline,
        name="A notebook's name that is much too long",
        stages=(replace(first, name=f"{long}_1"), replace(second, name=f"{long}_2")),
        edges=(),
    )
    assert len(read_specs(written("pachyderm", renamed))) == 2


def test_pachyderm_refuses_stages_that_no_path_can_name(pipeline: Pipeline) -> None:
    first = replace(pipeline.stages[0], name="prüfen")
    with pytest.raises(ExportError, match="'prüfen' has letters"):
        written("pachyderm", replace(pipeline, stages=(first,), edges=()))


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ("flyte", "timeout=270"),
        ("github", "timeout-minutes: 10"),
        ("gitlab", "timeout: 10 minutes"),
        ("kfp", "set_timeout(task_trend, 270)"),
        ("slurm", "--time=6"),
    ],
)
def test_a_limit_of_the_engine_s_leaves_time_for_all_attempts(
    pipeline: Pipeline, engine: str, told: str
) -> None:
    """The command tries again by itself, so three times 90 seconds."""
    wanted = StageOptions(retries=2, timeout_seconds=90)
    assert told in written(engine, with_options(pipeline, wanted))


def test_an_engine_with_one_kind_of_device_is_not_asked_for_two(
    pipeline: Pipeline,
) -> None:
    with pytest.raises(ExportError, match=r"'readings' asks for nvidia.com/gpu and e"):
        written("kfp", with_options(pipeline, WANTED))
    text = written("kfp", with_options(pipeline, replace(WANTED, gpus=0)))
    assert text.count("set_accelerator_type('example.org/fpga')") == 4


def test_slurm_is_asked_for_all_licences_at_once(pipeline: Pipeline) -> None:
    wanted = StageOptions(limits={"solver": "2", "compiler": "1"})
    text = written("slurm", with_options(pipeline, wanted))
    assert text.count("--licenses=compiler:1,solver:2") == 4


def test_airflow_has_typed_params_and_the_graph(pipeline: Pipeline) -> None:
    text = written("airflow", with_options(pipeline, WANTED))
    assert "'days': Param(365, type='integer')" in text
    assert "[stage_readings, stage_trend, stage_extremes] >> stage_summary" in text
    assert "execution_timeout=timedelta(seconds=90)" in text
    assert "retry_delay=timedelta(seconds=1)" in text
    ast.parse(text)


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 6 * * *", "0 0 6 * * ?"),
        ("*/5 * 1 * *", "0 */5 * 1 * ?"),
        ("30 4 * * 1-5", "0 30 4 ? * MON-FRI"),
        ("0 0 * * 0,6", "0 0 0 ? * SUN,SAT"),
        ("0 0 * 2 7", "0 0 0 ? 2 SUN"),
        ("0 0 * * */2", "0 0 0 ? * SUN/2"),
        ("0 0 * * mon", "0 0 0 ? * MON"),
    ],
)
def test_databricks_has_the_notebook_s_schedule(cron: str, expected: str) -> None:
    assert quartz(cron) == expected


def test_a_schedule_by_either_of_two_days_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(ExportError, match="days of the month and of the week"):
        written("databricks", replace(pipeline, schedule="0 6 1 * 1"))


@pytest.mark.parametrize(
    ("wanted", "machine"),
    [
        (StageOptions(), "ml.m5.large"),
        (StageOptions(cpus=3), "ml.m5.xlarge"),
        (StageOptions(memory_bytes=40 * 2**30), "ml.m5.4xlarge"),
        (StageOptions(gpus=1), "ml.g5.xlarge"),
        (StageOptions(gpus=2), "ml.g5.12xlarge"),
    ],
)
def test_sagemaker_takes_the_smallest_machine_that_will_do(
    pipeline: Pipeline, wanted: StageOptions, machine: str
) -> None:
    text = written("sagemaker", with_options(pipeline, wanted))
    assert text.count(f"'{machine}'") == len(pipeline.stages)


def test_sagemaker_refuses_what_none_of_its_machines_has(pipeline: Pipeline) -> None:
    with pytest.raises(ExportError, match="asks for"):
        written("sagemaker", with_options(pipeline, StageOptions(gpus=16)))


def test_snakemake_tells_runs_apart_and_asks_for_resources(pipeline: Pipeline) -> None:
    text = written(
        "snakemake", with_options(pipeline, WANTED), replace(OPTIONS, package="a{b}")
    )
    assert '"a{{b}}/notebooks/trend.ipynb"' in text
    assert "resources: mem_mb=1000, gpu=1, example_org_fpga=1" in text
    head = text.partition("\n\n\nrule:")[0]
    names: dict[str, Any] = {"config": {}}
    before = dict(os.environ)
    try:
        exec(head, names)
        assert os.environ["SNAKEMAKE_RUN_ID"] == names["run_id"]
        exec(head, again := {"config": {}})
        assert again["run_id"] == names["run_id"]
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_luigi_escapes_names_of_its_own(pipeline: Pipeline) -> None:
    named = replace(pipeline.parameters[0], name="output")
    first = replace(pipeline.stages[0], name="All", parameters=("output",))
    text = written(
        "luigi", replace(pipeline, parameters=(named,), stages=(first,), edges=())
    )
    assert "    output_ = luigi.IntParameter(default=365)" in text
    assert (
        "class All_(Stage):\n    stage, reads = 'All', {'JUPYTER_PIPE_OUTPUT': 'output_'}"
        in text
    )


def test_github_and_gitlab_run_their_scripts_in_order(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    """Each job's commands, in the order that `needs` allows, with a program that notes
    how it was called."""
    log = tmp_path / "log"
    for name in ("pip", "jupyter-pipe"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f'#!/bin/sh\nprintf "%s " "${{0##*/}}" "$@" >> {log}\nprintf "\\n" >> {log}\n'
        )
        program.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "GITHUB_RUN_ID": "7",
        "GITHUB_RUN_ATTEMPT": "1",
        "CI_PIPELINE_ID": "7",
    }
    options = Options(package="a package")
    for engine, jobs in (
        ("github", yaml.safe_load(written("github", pipeline, options))["jobs"]),
        ("gitlab", yaml.safe_load(written("gitlab", pipeline, options))),
    ):
        log.write_text("")
        done: list[str] = []
        for stage in pipeline.stages:
            job = jobs[stage.name]
            assert set(job.get("needs", ())) <= set(done)
            scripts = job.get("script") or [
                step["run"] for step in job["steps"] if "run" in step
            ]
            for script in scripts:
                subprocess.run(
                    ["bash", "-ec", script], env=environment, check=True, timeout=60
                )
            done.append(stage.name)
        calls = [
            line.split()
            for line in log.read_text().splitlines()
            if line.startswith("jupyter-pipe")
        ]
        assert [call[4] for call in calls] == [stage.name for stage in pipeline.stages]
        taken = [f"bundles/{name}" for name in ("readings", "trend", "extremes")]
        assert [word for word in calls[-1] if word.startswith("bundles/")] == [
            *taken,
            "bundles/summary",
        ]
        assert f"{engine}-7" in calls[0][-1]


def test_dvc_leaves_parameters_to_its_user(pipeline: Pipeline) -> None:
    exporter = find_exporter("dvc")
    plan = plan_of(with_options(pipeline, WANTED), Options(package="q"))
    stages = yaml.safe_load(export_text(exporter, plan))["stages"]
    assert stages["trend"]["deps"] == [
        "q/notebooks/trend.ipynb",
        "q/requirements.txt",
        ".jupyter_pipe/dvc/readings",
    ]
    assert stages["trend"]["always_changed"]
    assert exporter.companions(plan) == {"params.yaml": "days: 365\nseed: 1\n"}


# The command


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / QUICKSTART.name).write_bytes(QUICKSTART.read_bytes())
    assert main(["compile", QUICKSTART.name]) == 0
    capsys.readouterr()
    return tmp_path


def test_the_command_needs_a_package_and_overwrites_nothing_of_others(
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
    (tmp_path / "quickstart.mk").write_text("all:\n")
    assert main(["export", "make", QUICKSTART.name]) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "quickstart.mk").read_text() == "all:\n"


def test_options_are_remembered_and_a_stale_file_is_found(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", "slurm", QUICKSTART.name]
    assert main([*command, "--check"]) == 2
    assert main([*command, "--package", "/app/q", "--run-root", "/runs"]) == 0
    first = (folder / "quickstart.slurm.sh").read_text()
    assert main(command) == 0
    assert (folder / "quickstart.slurm.sh").read_text() == first
    assert "/app/q" in first
    assert main([*command, "--check"]) == 0
    assert main([*command, "--check", "--package", "/other"]) == 2
    notebook = folder / QUICKSTART.name
    notebook.write_text(notebook.read_text().replace("stage:trend", "stage:slope"))
    assert main(["compile", QUICKSTART.name]) == 0
    capsys.readouterr()
    assert main([*command, "--check"]) == 2
    assert "is stale" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("engine", "options", "code"),
    [
        ("kfp", ["--package", "q"], 2),
        ("kfp", ["--package", "/app/q"], 0),
        ("airflow", ["--run-root", "runs"], 2),
        ("airflow", ["--run-root", "s3://team/runs"], 0),
        ("github", ["--package", "/app/q"], 2),
        ("github", ["--package", "../q"], 2),
        ("github", [], 0),
        ("make", ["--package", "q"], 0),
        ("nobody", [], 2),
    ],
)
def test_a_path_that_tasks_would_not_find_is_refused(
    folder: Path, engine: str, options: list[str], code: int
) -> None:
    assert main(["export", engine, QUICKSTART.name, *options]) == code


def test_a_package_of_others_adds_an_exporter(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(plan: Plan) -> str:
        return "".join(f"{task.name}\n" for task in plan.tasks)

    def entry_points(*, group: str, name: str = "cron") -> list[Any]:
        assert group == "jupyter_pipe.exporters"
        found = [
            Point(
                "cron",
                lambda: Exporter("cron", "cron", "{label}.cron", write, paths="any"),
            )
        ]
        found.append(Point("broken", broken))
        return [point for point in found if point.name == name]

    def broken() -> Exporter:
        raise ImportError("no such module")

    class Point:
        dist = None
        value = "elsewhere:EXPORTER"

        def __init__(self, name: str, load: Callable[[], Exporter]) -> None:
            self.name, self.load = name, load

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    assert main(["export", "--list"]) == 0
    assert "cron" in capsys.readouterr().out
    assert main(["export", "cron", QUICKSTART.name]) == 0
    assert (
        (folder / "quickstart.cron")
        .read_text()
        .endswith("readings\ntrend\nextremes\nsummary\n")
    )
    assert main(["export", "broken", QUICKSTART.name]) == 2
    assert "cannot be loaded: no such module" in capsys.readouterr().err


@pytest.mark.kernel
def test_make_runs_the_stages_in_order_with_parameters_from_the_environment(
    folder: Path,
) -> None:
    assert main(["export", "make", QUICKSTART.name]) == 0
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "JUPYTER_PIPE_DAYS": "30",
        "RUN_ID": "nightly",
    }
    command = ["make", "-j2", "-f", "quickstart.mk", "extremes"]
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=240)
    stages = folder / ".jupyter_pipe" / "runs" / "nightly" / "stages"
    assert sorted(
        path.name for path in stages.glob("*") if (path / "result.json").exists()
    ) == [
        "extremes",
        "readings",
    ]
    assert "days = 30" in (stages / "extremes" / "executed.ipynb").read_text(
        encoding="utf-8"
    )
