"""GitLab CI: a file to include from `.gitlab-ci.yml`, a job a stage. Bundles are
artifacts of jobs, parameters variables that GitLab asks for; secrets are masked
variables of the project. Schedules are made in GitLab."""

from __future__ import annotations

import math
import shlex
from typing import Any

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, PlanParameter, Task

__all__ = ["EXPORTER"]

_BUNDLES = "bundles"
# Keys with which GitLab itself is configured, and words that YAML reads as values:
# a stage `cache` is the job `stage cache`.
_RESERVED = frozenset(
    [
        "after_script",
        "before_script",
        "cache",
        "default",
        "image",
        "include",
        "nil",
        "pages",
        "services",
        "spec",
        "stages",
        "true",
        "false",
        "types",
        "variables",
        "workflow",
    ]
)


def _write(plan: Plan) -> str:
    import yaml

    requirements = shlex.quote(f"{plan.options.package}/requirements.txt")
    document: dict[str, Any] = {
        "default": {
            "image": plan.options.image or "python:3.12",
            "before_script": [f"pip install -r {requirements}"],
        },
        # One stage in GitLab's sense: the order is that of `needs` alone.
        "stages": [plan.label],
    }
    if plan.parameters:
        document["variables"] = {
            each.variable: _variable(each) for each in plan.parameters
        }
    for task in plan.tasks:
        document[_job_name(task.name)] = _job(plan, task)
    text: str = yaml.safe_dump(
        document, sort_keys=False, width=1000, allow_unicode=True
    )
    return text


def _variable(parameter: PlanParameter) -> dict[str, Any]:
    # Without `expand` a dollar sign in the value would name another variable.
    made: dict[str, Any] = {"value": parameter.text, "expand": False}
    made["description"] = parameter.description or parameter.name
    if parameter.choices:
        made["options"] = [str(choice) for choice in parameter.choices]
    return made


def _job(plan: Plan, task: Task) -> dict[str, Any]:
    words = [
        *plan.with_bundles(task, _BUNDLES),
        "--html",
        f"{task.name}.html",
        "--result",
        f"{task.name}.json",
    ]
    job: dict[str, Any] = {
        "stage": plan.label,
        # GitLab gives a job the artifacts of those that it needs and of no others: all
        # stages before it stand here, and not the direct predecessors alone.
        "needs": [_job_name(name) for name in task.take],
        "script": [f'{shlex.join(words)} --run-id "gitlab-$CI_PIPELINE_ID"'],
        "artifacts": {
            "when": "always",
            "paths": [f"{_BUNDLES}/{task.name}", f"{task.name}.html"],
        },
    }
    if task.image and task.image != plan.options.image:
        job["image"] = task.image
    if task.seconds_in_all:
        # Five minutes more, for pip and for carrying artifacts.
        job["timeout"] = f"{math.ceil(task.seconds_in_all / 60) + 5} minutes"
    return job


def _job_name(stage: str) -> str:
    return f"stage {stage}" if stage in _RESERVED else stage


EXPORTER = Exporter(
    engine="gitlab",
    title="GitLab CI",
    file="{label}.gitlab-ci.yml",
    write=_write,
    carries=frozenset({"timeout", "secrets", "image"}),
    paths="relative",
)
