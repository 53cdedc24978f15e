"""ZenML: `python NAME_zenml.py [NAME=VALUE …]` runs the pipeline on the active stack,
and with `schedule` as its only argument has the stack's orchestrator run it by the
notebook's schedule. A step a stage; what stages leave and their reports are artifacts
of ZenML, so no folder is shared. Metrics and gates are metadata of the step, and the
cache is asked with the digest of the stage's code. Secrets come from the environment,
else from ZenML's secret that has the pipeline's name."""

from __future__ import annotations

import math

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, Task, distinct

__all__ = ["EXPORTER"]

# Names that steps use, and that a parameter of them would hide.
_RESERVED = frozenset({"code", "id", "model", "run_stage", "self", "settings"})
_HEAD = """\
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

from zenml import log_metadata, pipeline, step
from zenml.client import Client
from zenml.config import DockerSettings, ResourceSettings{schedule_name}
from zenml.types import HTMLString

COMMAND = {command}
SECRET = {label!r}
# ZenML copies what stands here into its store.
BUNDLES = tempfile.TemporaryDirectory(prefix="bundles-")


class StageError(Exception):
    pass


def run_stage(name, variables, secrets, bundles):
    given = {{variable: str(value) for variable, value in variables.items()}}
    missing = [each for each in secrets if each not in os.environ]
    if missing:
        loaded = Client().get_secret(SECRET).secret_values
        given.update({{each: loaded[each] for each in missing}})
    folder = Path(tempfile.mkdtemp(dir=BUNDLES.name))
    result, report = folder / "result.json", folder / "report.html"
    files = [*(word for each in bundles for word in ("--take", each)), "--leave", folder / "values"]
    files += ["--result", result, "--html", report, "--retry"]
    process = subprocess.Popen([*COMMAND, name, *files], env={{**os.environ, **given}})
    try:
        code = process.wait()
    finally:
        process.terminate()
    told = json.loads(result.read_text()) if result.exists() else {{"metrics": {{}}, "gates": []}}
    gates = {{f"gate {{each['expression']}}": each["passed"] for each in told["gates"]}}
    if told["metrics"] or gates:
        log_metadata(metadata={{**told["metrics"], **gates}})
    if code:
        raise StageError(f"Stage {{name}} ended with exit code {{code}}: see its log.")
    return folder / "values", HTMLString(report.read_text(encoding="utf-8"))

"""
_STEP = """

@step(enable_cache={cache}, settings={{{settings}}})
def stage_{stage}(
    {signature},
) -> tuple[Annotated[Path, {values!r}], Annotated[HTMLString, {report!r}]]:
    values, report = run_stage({stage!r}, {{{variables}}}, {secrets}, [{bundles}])
    # ZenML counts the artifacts of a step where it returns.
    return values, report
"""
_PIPELINE = """

@pipeline(name={name!r})
def exported({signature}):
    {documentation}
{calls}


if __name__ == "__main__":
{scheduled}    exported(**dict(each.split("=", 1) for each in sys.argv[1:]))
"""
_SCHEDULED = """\
    if sys.argv[1:] == ["schedule"]:
        exported.with_options(schedule=Schedule(cron_expression={schedule!a}))()
        sys.exit()
"""


def _write(plan: Plan) -> str:
    """A module whose steps and parameters have names of their own."""
    steps = {f"stage_{task.name}" for task in plan.tasks}
    bundles = {f"from_{task.name}" for task in plan.tasks} | {
        f"of_{task.name}" for task in plan.tasks
    }
    names = distinct(
        (each.name for each in plan.parameters), _RESERVED | steps | bundles
    )
    head = _HEAD.format(
        command=ascii(plan.command),
        label=plan.label,
        schedule_name=", Schedule" if plan.schedule else "",
    )
    pipeline = _PIPELINE.format(
        name=plan.label,
        signature=", ".join(each.typed(names[each.name]) for each in plan.parameters),
        documentation=ascii(plan.description),
        calls="\n".join(_call(task, names) for task in plan.tasks),
        scheduled=_SCHEDULED.format(schedule=plan.schedule) if plan.schedule else "",
    )
    return "".join([head, *(_step(plan, task, names) for task in plan.tasks), pipeline])


def _step(plan: Plan, task: Task, names: dict[str, str]) -> str:
    """The step of a stage: bundles and parameters in, its bundle and its report out."""
    given = [f"from_{name}: Path" for name in task.take]
    given += [each.typed(names[each.name]) for each in task.parameters]
    return _STEP.format(
        stage=task.name,
        cache=task.cache,
        settings=_settings(task),
        # ZenML's cache compares arguments and the code of the step in the file, which
        # is the same whatever the notebook says.
        signature=", ".join([*given, f"code: str = {task.digest!r}"]),
        values=f"{plan.label}.{task.name}",
        report=f"{plan.label}.{task.name}.report",
        variables=", ".join(
            f"{each.variable!r}: {names[each.name]}" for each in task.parameters
        ),
        secrets=list(task.secrets),
        bundles=", ".join(f"from_{name}" for name in task.take),
    )


def _settings(task: Task) -> str:
    resources = [f"cpu_count={task.cpus:g}"]
    # ZenML takes whole numbers with a unit: 1536MiB, and not 1.5GiB.
    resources += (
        [f"memory='{math.ceil(task.memory_bytes / 2**20)}MiB'"]
        if task.memory_bytes
        else []
    )
    resources += [f"gpu_count={task.gpus}"] if task.gpus else []
    settings = f"'resources': ResourceSettings({', '.join(resources)})"
    if task.image:
        settings += f", 'docker': DockerSettings(parent_image={task.image!a})"
    return settings


def _call(task: Task, names: dict[str, str]) -> str:
    given = [f"from_{name}=of_{name}" for name in task.take]
    given += [f"{names[each.name]}={names[each.name]}" for each in task.parameters]
    return f"    of_{task.name}, _ = stage_{task.name}({', '.join(given)})"


EXPORTER = Exporter(
    engine="zenml",
    title="ZenML",
    file="{name}_zenml.py",
    write=_write,
    carries=frozenset(
        {"timeout", "secrets", "cpus", "memory", "gpus", "schedule", "image"}
    ),
)
