"""What clouds do with files of ours, on this machine: values where expressions stand,
then the commands in the order that their inputs allow. What the clouds' own libraries
say of a file is asked beforehand, in another environment (`make test-engines` makes
it).

Each function takes the text of a file, the parameters that differ, and a folder for
what jobs leave. It gives the exit codes of the jobs that ran; a job whose predecessor
failed does not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.engines.trial import RUN_FOLDERS

__all__ = ["CLOUDS", "run_azureml", "run_databricks", "run_sagemaker", "validated"]

CLOUDS = Path(os.environ["CLOUDS_PYTHON"])
_PLACE = "/opt/ml/processing"
_PATIENCE = 600

_CHECKS = {
    "azureml": """
from azure.ai.ml import load_job
result = load_job(sys.argv[1])._validate()
problems = result.error_messages
""",
    "databricks": """
import yaml
from databricks.bundles.jobs import Job
jobs = yaml.safe_load(open(sys.argv[1]))["resources"]["jobs"]
problems = [str(len(jobs))] if len(jobs) != 1 else []
for job in jobs.values():
    Job.from_dict(job)
""",
    # The arguments of a step are those of a call, less the name of the job; expressions
    # become texts.
    "sagemaker": """
import json, subprocess
import botocore.session
from botocore.validate import ParamValidator
service = botocore.session.get_session().get_service_model("sagemaker")
shape = service.operation_model("CreateProcessingJob").input_shape
told = json.loads(subprocess.run([sys.executable, sys.argv[1]], capture_output=True, check=True).stdout)
def plain(value):
    if isinstance(value, dict):
        if set(value) <= {"Get", "Std:Join"}:
            return "s3://expression/of/the/pipeline"
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value
problems = [told["Version"]] if told["Version"] != "2020-12-01" else []
for step in told["Steps"]:
    report = ParamValidator().validate({**plain(step["Arguments"]), "ProcessingJobName": "job"}, shape)
    problems += [report.generate_report()] if report.has_errors() else []
""",
}


def validated(engine: str, path: Path) -> str:
    """What the cloud's own library has against the file; nothing if it takes it."""
    code = f"import sys\n{_CHECKS[engine]}\nsys.exit(str(problems) if problems else 0)"
    done = subprocess.run(
        [CLOUDS, "-c", code, path],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr or "it ended without a word"


def run_azureml(text: str, given: Mapping[str, str], folder: Path) -> dict[str, int]:
    """A pipeline job: each job in a copy of the file's folder, its scripts by the
    shell."""
    document = yaml.safe_load(text)
    inputs = {
        name: str(value)
        for name, value in {**document.get("inputs", {}), **given}.items()
    }

    def run(name: str, job: Mapping[str, Any]) -> int:
        values = {
            f"outputs.{each}": str(folder / name / each) for each in job["outputs"]
        }
        for each, told in job.get("inputs", {}).items():
            source = (told["path"] if isinstance(told, dict) else told)[
                len("${{parent.") : -len("}}")
            ]
            kind, _, rest = source.partition(".")
            values[f"inputs.{each}"] = (
                inputs[rest] if kind == "inputs" else _output(folder, rest)
            )
        for each in job["outputs"]:
            (folder / name / each).mkdir(parents=True)
        code = folder / name / "code"
        # What runs have left there is no code: neither this one nor one beside it.
        others = shutil.ignore_patterns(*RUN_FOLDERS)
        shutil.copytree(Path(job["code"]), code, ignore=others)
        return subprocess.run(
            ["sh", "-c", _replaced(job["command"], r"\$\{\{(.+?)\}\}", values)],
            cwd=code,
            timeout=_PATIENCE,
            check=False,
        ).returncode

    needs = {
        name: [
            each["path"].split(".")[2]
            for each in job.get("inputs", {}).values()
            if isinstance(each, dict)
        ]
        for name, job in document["jobs"].items()
    }
    return _in_order(document["jobs"], needs, run)


def _output(folder: Path, told: str) -> str:
    """`make.outputs.values` is a folder of that job."""
    job, _, output = told.split(".")
    return str(folder / job / output)


def run_databricks(text: str, given: Mapping[str, str], folder: Path) -> dict[str, int]:
    """A job of a bundle: wheel tasks are called with their parameters, without a
    shell."""
    document = yaml.safe_load(text.replace("${workspace.file_path}", str(Path.cwd())))
    (job,) = document["resources"]["jobs"].values()
    values = {
        f"job.parameters.{each['name']}": each["default"] for each in job["parameters"]
    }
    values |= {f"job.parameters.{name}": value for name, value in given.items()}
    values["job.run_id"] = folder.name

    def run(_: str, task: Mapping[str, Any]) -> int:
        wheel = task["python_wheel_task"]
        words = [
            _replaced(word, r"\{\{(.+?)\}\}", values) for word in wheel["parameters"]
        ]
        program = Path(sys.executable).parent / wheel["entry_point"]
        return subprocess.run(
            [program, *words], timeout=_PATIENCE, check=False
        ).returncode

    tasks = {task["task_key"]: task for task in job["tasks"]}
    needs = {
        name: [each["task_key"] for each in task.get("depends_on", ())]
        for name, task in tasks.items()
    }
    return _in_order(tasks, needs, run)


def run_sagemaker(text: str, given: Mapping[str, str], folder: Path) -> dict[str, int]:
    """A pipeline of processing jobs. S3 is a folder, and so is the place where a job
    finds its inputs."""
    script = folder / "definition.py"
    folder.mkdir(parents=True, exist_ok=True)
    script.write_text(text, encoding="utf-8")
    printed = subprocess.run(
        [sys.executable, script], capture_output=True, check=True, timeout=_PATIENCE
    )
    definition = json.loads(printed.stdout)
    values = {
        f"Parameters.{each['Name']}": each["DefaultValue"]
        for each in definition["Parameters"]
    }
    values |= {f"Parameters.{name}": value for name, value in given.items()}
    values["Execution.PipelineExecutionId"] = "execution"
    steps = {step["Name"]: step["Arguments"] for step in definition["Steps"]}

    def evaluated(told: Any) -> str:
        if isinstance(told, str):
            return told
        if "Std:Join" in told:
            joined = told["Std:Join"]
            return str(joined["On"]).join(map(evaluated, joined["Values"]))
        found = re.fullmatch(
            r"Steps\.(\w+)\.ProcessingOutputConfig\.Outputs\['(\w+)'\]\.S3Output\.S3Uri",
            told["Get"],
        )
        if found:
            (output,) = _named(
                steps[found[1]]["ProcessingOutputConfig"]["Outputs"],
                "OutputName",
                found[2],
            )
            return evaluated(output["S3Output"]["S3Uri"])
        return str(values[told["Get"]])

    def run(name: str, told: Mapping[str, Any]) -> int:
        here = folder / "jobs" / name

        def local(path: str) -> str:
            return path.replace(_PLACE, str(here))

        for each in told["ProcessingInputs"]:
            stored = folder / evaluated(each["S3Input"]["S3Uri"]).removeprefix("s3://")
            shutil.copytree(stored, local(each["S3Input"]["LocalPath"]))
        outputs = [
            each["S3Output"] for each in told["ProcessingOutputConfig"]["Outputs"]
        ]
        for output in outputs:
            Path(local(output["LocalPath"])).mkdir(parents=True)
        environment = {
            variable: evaluated(value)
            for variable, value in told["Environment"].items()
        }
        words = [
            local(word) for word in told["AppSpecification"]["ContainerEntrypoint"]
        ]
        code = subprocess.run(
            words, env={**os.environ, **environment}, timeout=_PATIENCE, check=False
        ).returncode
        for output in outputs:
            stored = folder / evaluated(output["S3Uri"]).removeprefix("s3://")
            shutil.copytree(local(output["LocalPath"]), stored)
        return code

    needs = {
        name: [each["InputName"] for each in told["ProcessingInputs"]]
        for name, told in steps.items()
    }
    return _in_order(steps, needs, run)


def _named(entries: list[dict[str, Any]], key: str, name: str) -> list[dict[str, Any]]:
    return [each for each in entries if each[key] == name]


def _replaced(text: str, pattern: str, values: Mapping[str, str]) -> str:
    """The text with values for expressions, once: what a value holds is not looked at.
    An expression that nothing is known of is an error."""
    return re.sub(pattern, lambda found: values[found[1]], text)


def _in_order(
    jobs: Mapping[str, Any],
    needs: Mapping[str, list[str]],
    run: Callable[[str, Any], int],
) -> dict[str, int]:
    codes: dict[str, int] = {}
    for name, job in jobs.items():
        assert set(needs[name]) <= set(jobs), f"{name} needs what is not there"
        if all(codes.get(before) == 0 for before in needs[name]):
            codes[name] = run(name, job)
    return codes
