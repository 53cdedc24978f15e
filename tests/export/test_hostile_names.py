"""Names and values that could break out of the files that we generate, or out of their
folder.

Each file is read and carried out as its engine does, with a program in place of
`jupyter-pipe` that notes how it was called.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jupyter_pipe.compiler import compile_notebook, read_package, write_package
from jupyter_pipe.compiler.codegen.source import quoted
from jupyter_pipe.errors import NotebookError, PackageError, PipeError
from jupyter_pipe.export import (
    ExportError,
    Options,
    export_text,
    find_exporter,
    plan_of,
)
from jupyter_pipe.model import Edge, Parameter, Pipeline, StageOptions
from jupyter_pipe.notebook.sound_names import file_name_problem, require_sound_names
from tests.cli.conftest import write_notebook
from tests.engines.pachyderm import read_specs

pytestmark = pytest.mark.processes

BREAKING = [
    'a"b',
    "a'b",
    "$(touch canary)",
    "`touch canary`",
    "${HOME}",
    "a;b",
    "a#b",
    "%s",
    "é🎉",
    "..x",
    "-o",
]
BREAKING += [
    "{{ 7*7 }}",
    "{% raw %}",
    "{# x #}",
    "{run_id}",
    "$(shell touch canary)",
    'a"""b',
    "a b",
    "&",
    "~",
]
BREAKING += ['"); import os; os.system("touch canary")#']
VALUES = [
    *BREAKING,
    "line\nbreak",
    "back\\",
    "\x0c",
    "\u2028",
    "\r\n\tall: ; touch canary",
    "a\\\n",
    "\x1b[31m",
]
UNUSABLE_NAMES = [
    "a\nb",
    "a\tb",
    "\x1b[31m",
    "\udc80x",
    "a\u2028b",
    "a\u202eb",
    "x" * 201,
]
RECORDER = """#!PYTHON -IS
import json, os, sys
given = {name: value for name, value in os.environ.items() if name.startswith("JUPYTER_PIPE_")}
with open("LOG", "a") as file:
    file.write(json.dumps([sys.argv[1:], given]) + "\\n")
"""


def compiled(
    folder: Path, name: str, value: str, description: str
) -> tuple[Path, Pipeline]:
    notebook = write_notebook(
        folder / f"{name}.ipynb",
        [
            (f"# {description}\nx: str = {value!r}", ["parameters"]),
            ("y = x", ["stage:make", "metric:y", "gate:y != '\"'"]),
            ("z = y + x", ["stage:use"]),
        ],
    )
    package = folder / f"{name}_pipeline"
    write_package(compile_notebook(notebook, output=package), package)
    return package, read_package(package)


def calls(folder: Path, command: list[str], **given: str) -> list[Any]:
    """Carries out a command; gives what `jupyter-pipe` was called with, each time."""
    log, programs = folder / "calls", folder / "bin"
    programs.mkdir()
    recorder = RECORDER.replace("PYTHON", sys.executable).replace("LOG", str(log))
    (programs / "jupyter-pipe").write_text(recorder)
    (programs / "jupyter-pipe").chmod(0o755)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": "/nowhere",
        **given,
    }
    subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return [json.loads(line) for line in log.read_text().splitlines()]


def exported(engine: str, pipeline: Pipeline, options: Options) -> str:
    return export_text(find_exporter(engine), plan_of(pipeline, options))


class Snakemake(string.Formatter):
    """The formatting of a rule's command: `:q` quotes."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return (
            shlex.quote(str(value))
            if format_spec == "q"
            else super().format_field(value, format_spec)
        )


def snakemake_commands(text: str) -> list[str]:
    body, _, rules = text.partition("\n\n\nrule:")
    names: dict[str, Any] = {"config": {"run_id": "r"}}
    before = dict(os.environ)
    exec(body, names)
    os.environ.clear()
    os.environ.update(before)
    found = []
    for rule in rules.split("\nrule ")[1:]:
        for name in re.findall(
            r"pipe_(\w+)=lambda wildcards: parameters\['\w+'\]", rule
        ):
            names[name] = names["parameters"][name]
        shell = ast.literal_eval(re.search(r"^    shell: (.*)$", rule, re.MULTILINE)[1])  # type: ignore[index]
        given = {f"pipe_{name}": value for name, value in names["parameters"].items()}
        names["params"] = type("params", (), given)
        found.append(Snakemake().format(shell, **names))
    return found


def airflow_commands(text: str) -> tuple[dict[str, Any], list[list[str]]]:
    """The params, and what is called for each task."""
    tree = ast.parse(text)
    (params,) = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    assert isinstance(params, ast.Dict)
    values = {
        ast.literal_eval(key): ast.literal_eval(value.args[0])
        for key, value in zip(params.keys, params.values, strict=True)
        if key is not None and isinstance(value, ast.Call)
    }
    keywords = [
        word
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
    ]
    return values, [
        ast.literal_eval(word.value)[0] for word in keywords if word.arg == "op_args"
    ]


def check_calls(found: list[Any], package: Path) -> None:
    assert [(argv[:3], argv[3:5]) for argv, _ in found] == [
        (["run-stage", str(package), stage], ["--run-root", "."])
        for stage in ("make", "use")
    ]


def check_everything(folder: Path, name: str, value: str, description: str) -> None:
    package, pipeline = compiled(folder, name, value, description)
    for path in package.rglob("*.py"):
        compile(path.read_bytes(), str(path), "exec")
    module = next(package.rglob("__main__.py")).parent.name
    run = [sys.executable, "-m", module]
    for argv in (run, [*run, "--help"]):
        done = subprocess.run(
            argv, cwd=package, capture_output=True, timeout=60, check=True
        )
    assert b"--x" in done.stdout
    tasks = Options(str(package), ".", "image")
    (folder / "out.mk").write_text(exported("make", pipeline, tasks))
    check_calls(calls(folder, ["make", "-f", "out.mk"], RUN_ID="r"), package)
    commands = snakemake_commands(exported("snakemake", pipeline, tasks))
    (folder / "snakemake").mkdir()
    check_calls(
        calls(folder / "snakemake", ["sh", "-ec", "\n".join(commands)]), package
    )
    params, called = airflow_commands(exported("airflow", pipeline, tasks))
    assert params == {"x": value}
    assert [words[1:4] for words in called] == [
        ["run-stage", str(package), stage] for stage in ("make", "use")
    ]
    check_python(folder, pipeline, tasks, value)
    check_yaml(pipeline, value)
    assert list(folder.rglob("canary")) == []


def check_python(folder: Path, pipeline: Pipeline, tasks: Options, value: str) -> None:
    """Modules hold the values as they are, and nothing of them is code."""
    for engine in (
        "dagster",
        "flyte",
        "kedro",
        "kfp",
        "luigi",
        "metaflow",
        "prefect",
        "sagemaker",
        "zenml",
    ):
        tree = ast.parse(exported(engine, pipeline, tasks))
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)
        }
        assert str(tasks.package) in texts
        assert engine == "kedro" or value in texts
    submit = exported("slurm", pipeline, tasks)
    (folder / "slurm").mkdir()
    (folder / "slurm" / "out.sh").write_text(submit)
    script = 'sbatch() { eval "${@: -1}"; echo 1; }; export -f sbatch; bash out.sh'
    found = calls(folder / "slurm", ["bash", "-ec", script], RUN_ID="r")
    check_calls(found, Path(tasks.package))


def check_yaml(pipeline: Pipeline, value: str) -> None:
    """CI systems get paths of the repository; what they would evaluate is refused."""
    assert read_specs(exported("pachyderm", pipeline, Options("p", "", "image")))
    options = Options("a 'p'")
    document = yaml.safe_load(exported("gitlab", pipeline, options))
    assert document["variables"]["JUPYTER_PIPE_X"]["value"] == value
    assert shlex.split(document["make"]["script"][0])[2] == "a 'p'"
    assert find_exporter("dvc").companions(plan_of(pipeline, options))["params.yaml"]
    assert "stages" in yaml.safe_load(exported("dvc", pipeline, options))
    if "${{" in value or "${{" in pipeline.name:
        return
    document = yaml.safe_load(exported("github", pipeline, options))
    assert document["on"]["workflow_dispatch"]["inputs"]["x"]["default"] == value
    told = next(step for step in document["jobs"]["make"]["steps"] if "env" in step)[
        "env"
    ]["JUPYTER_PIPE_X"]
    default = value.replace("'", "''")
    assert (
        told
        == f"${{{{ github.event_name != 'workflow_dispatch' && '{default}' || inputs.x }}}}"
    )


@pytest.mark.parametrize("name", BREAKING)
def test_whatever_a_notebook_is_called_its_files_are_what_they_should_be(
    tmp_path: Path, name: str
) -> None:
    check_everything(tmp_path, name, "v", "words")


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_whatever_a_parameter_is_its_files_are_what_they_should_be(
    tmp_path: Path, value: str
) -> None:
    check_everything(tmp_path, "n", value, "words")
    pipeline = read_package(tmp_path / "n_pipeline")
    commands = snakemake_commands(exported("snakemake", pipeline, Options("p", ".")))
    (tmp_path / "again").mkdir()
    found = calls(tmp_path / "again", ["sh", "-ec", "\n".join(commands)])
    assert {given["JUPYTER_PIPE_X"] for _, given in found} == {value}


@pytest.mark.parametrize("description", [text for text in VALUES if text.isprintable()])
def test_whatever_describes_a_parameter_is_only_shown(
    tmp_path: Path, description: str
) -> None:
    check_everything(tmp_path, "n", "v", description)


@pytest.mark.parametrize("name", UNUSABLE_NAMES, ids=ascii)
def test_a_notebook_with_a_name_that_no_line_can_hold_is_refused(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(NotebookError, match="notebook's name"):
        compile_notebook(write_notebook(tmp_path / f"{name}.ipynb", [("1", [])]))


def test_what_argo_would_read_as_a_template_is_refused(tmp_path: Path) -> None:
    _, braces = compiled(tmp_path, "n", "{{workflow.name}}", "words")
    with pytest.raises(ExportError, match="of parameter 'x'"):
        exported("argo", braces, Options("p", ".", "image"))
    with pytest.raises(ExportError, match="of stage 'make'"):
        exported("argo", replace(braces, parameters=()), Options("{{p}}", ".", "image"))


@pytest.mark.parametrize(
    "value", [value for value in VALUES if "{{" not in value], ids=repr
)
def test_argo_gets_values_as_they_are(tmp_path: Path, value: str) -> None:
    _, pipeline = compiled(tmp_path, "n", value, "words")
    manifest = yaml.safe_load(
        exported("argo", pipeline, Options("a 'p'", ".", "image"))
    )
    assert manifest["spec"]["arguments"]["parameters"] == [
        {"name": "x", "value": value, "description": "words"}
    ]
    commands = [
        each["container"]["args"][0] for each in manifest["spec"]["templates"][1:]
    ]
    assert [shlex.split(command)[2] for command in commands] == ["a 'p'", "a 'p'"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_pachyderm_gets_values_and_words_as_they_are(
    tmp_path: Path, value: str
) -> None:
    """The command has no shell, and parameters are a file."""
    _, pipeline = compiled(tmp_path, "n", value, "words")
    options = Options("a 'p' $(touch canary)", "", "image")
    specs = read_specs(exported("pachyderm", pipeline, options))
    assert [spec["transform"]["cmd"][2] for spec in specs] == [options.package] * 2
    plan = plan_of(pipeline, options)
    (file,) = find_exporter("pachyderm").companions(plan).values()
    assert yaml.safe_load(file) == {"x": value}


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_clouds_get_values_as_they_are(tmp_path: Path, value: str) -> None:
    """Azure ML puts the value into a script, Databricks into a word, SageMaker into the
    environment."""
    _, pipeline = compiled(tmp_path, "n", value, "words")
    options = Options("a p", "/Volumes/runs", "image")
    jobs = yaml.safe_load(exported("azureml", pipeline, options))["jobs"]
    script = jobs["use"]["command"].replace("${{inputs.x}}", value)
    script = script.replace("${{inputs.make}}", "made").replace(
        "${{outputs.values}}", "left"
    )
    ((argv, given),) = calls(tmp_path, ["sh", "-ec", script])
    assert (argv[:3], given["JUPYTER_PIPE_X"]) == (["run-stage", "a p", "use"], value)
    definition = {"__name__": "exported"}
    exec(exported("sagemaker", pipeline, options), definition)
    assert definition["PARAMETERS"] == [
        {"Name": "x", "Type": "String", "DefaultValue": value}
    ]  # type: ignore[comparison-overlap]
    if "{{" not in value and "${" not in value:
        document = yaml.safe_load(exported("databricks", pipeline, options))
        (job,) = document["resources"]["jobs"].values()
        assert job["parameters"] == [{"name": "x", "default": value}]


@pytest.mark.parametrize(
    ("engine", "value"),
    [
        ("azureml", "${{inputs.x}}"),
        ("databricks", "${workspace.host}"),
        ("databricks", "{{job.id}}"),
    ],
)
def test_what_a_cloud_would_evaluate_is_refused(
    tmp_path: Path, engine: str, value: str
) -> None:
    _, pipeline = compiled(tmp_path, "n", value, "words")
    with pytest.raises(ExportError, match="would evaluate"):
        exported(engine, pipeline, Options("p", "/Volumes/runs", "image"))


def test_a_value_that_would_end_a_script_s_text_is_refused(tmp_path: Path) -> None:
    _, pipeline = compiled(tmp_path, "n", "a\nEND-OF-VALUE\ntouch canary", "words")
    with pytest.raises(ExportError, match="END-OF-VALUE"):
        exported("azureml", pipeline, Options("p", "", "image"))


@pytest.mark.parametrize("value", ["\ud800", "a\0b"], ids=ascii)
@pytest.mark.parametrize("engine", ["make", "snakemake", "airflow", "argo"])
def test_a_value_that_no_environment_can_hold_is_refused(
    tmp_path: Path, value: str, engine: str
) -> None:
    _, pipeline = compiled(tmp_path, "n", value, "words")
    with pytest.raises(
        ExportError, match="'x' has a character that the environment cannot hold"
    ):
        exported(engine, pipeline, Options("p", ".", "image"))


def test_a_path_with_a_line_end_is_refused(tmp_path: Path) -> None:
    _, pipeline = compiled(tmp_path, "n", "v", "words")
    with pytest.raises(ExportError, match="cannot hold"):
        exported("make", pipeline, Options("p\nall: ; touch canary", "."))


@given(st.text())
def test_quoted_text_is_read_back(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
    assert quoted(text).startswith('"')


def forged(pipeline: Pipeline, where: str, name: str) -> Pipeline:
    """The pipeline with a name that somebody wrote into its file."""
    stage = pipeline.stages[0]
    changes: dict[str, Any] = {
        "pipeline": {"name": name},
        "stage": {"stages": (replace(stage, name=name),), "edges": ()},
        "path": {"stages": (replace(stage, notebook=name), *pipeline.stages[1:])},
        "module": {"stages": (replace(stage, module=name), *pipeline.stages[1:])},
        "secret": {
            "stages": (
                replace(stage, options=StageOptions(secrets=(name,))),
                *pipeline.stages[1:],
            )
        },
        "contract": {
            "stages": (replace(stage, options=StageOptions(contracts=(name,))),),
            "edges": (),
        },
        "parameter": {"parameters": (Parameter(name, "str", "v", "'v'"),)},
        "edge": {"edges": (Edge(name, "use"),)},
        "twice": {"stages": (stage, stage)},
    }
    return replace(pipeline, **changes[where])


FORGED = [
    ("pipeline", name)
    for name in (
        "/elsewhere",
        "../up",
        "..",
        "",
        "a\nb",
        "a\\b",
        "x" * 300,
        "\x1b]0;t\x07",
    )
]
FORGED += [
    ("stage", name)
    for name in (
        "/elsewhere",
        "../../up",
        "a b",
        "a\nb",
        "class",
        "",
        "x" * 300,
        "shared",
    )
]
FORGED += [
    (where, name)
    for where in ("path", "module")
    for name in ("/etc/passwd", "../x", "a/../../x", "", "a\nb", "C:/x")
]
FORGED += [
    ("secret", "A=B"),
    ("secret", "A\nB"),
    ("contract", "../../up"),
    ("contract", "x=a b"),
    ("parameter", "a b"),
    ("parameter", "x}}"),
    ("edge", "nobody"),
    ("twice", ""),
]


@pytest.mark.parametrize(("where", "name"), FORGED)
def test_a_package_whose_names_lead_elsewhere_is_refused(
    tmp_path: Path, where: str, name: str
) -> None:
    package, pipeline = compiled(tmp_path, "n", "v", "words")
    with pytest.raises(PackageError) as caught:
        require_sound_names(forged(pipeline, where, name))
    assert caught.value.code == "pipeline_name_invalid"
    data = json.loads((package / "pipeline.json").read_bytes())
    if where == "pipeline":
        data["name"] = name
        (package / "pipeline.json").write_text(json.dumps(data))
        with pytest.raises(PipeError, match="of the pipeline"):
            read_package(package)


@given(st.text(max_size=20))
def test_names_that_are_all_right_name_one_file(name: str) -> None:
    if file_name_problem(name) is None:
        assert Path("/a", name).parent == Path("/a")
        assert len(name.splitlines()) == 1
