"""GitHub Actions: a workflow for `.github/workflows/`, a job a stage. Bundles are
artifacts of the workflow, parameters its typed inputs, secrets those of the repository;
it also runs on the notebook's schedule."""

from __future__ import annotations

import math
import shlex
from typing import Any

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, PlanParameter, Task, unevaluated

__all__ = ["EXPORTER"]

_TYPES = {"int": "number", "float": "number", "bool": "boolean", "str": "string"}
_BUNDLES = "bundles"


def _write(plan: Plan) -> str:
    import yaml

    on: dict[str, Any] = {
        "workflow_dispatch": {
            "inputs": {each.name: _input(each) for each in plan.parameters}
        }
    }
    if plan.schedule:
        on["schedule"] = [{"cron": plan.schedule}]
    jobs = {task.name: _job(plan, task) for task in plan.tasks}
    document = {"name": _plain(plan.name), "on": on, "jobs": jobs}
    text: str = yaml.safe_dump(
        document,
        sort_keys=False,
        width=1000,
        allow_unicode=True,
        default_flow_style=None,
    )
    return text


def _input(parameter: PlanParameter) -> dict[str, Any]:
    kind = "choice" if parameter.choices else _TYPES[parameter.type_]
    # Options are texts, and the default has to be one of them: 365 is "365".
    default = str(parameter.default) if kind == "choice" else parameter.default
    made = {
        "description": _plain(parameter.description or parameter.name),
        "type": kind,
        "default": default,
    }
    if parameter.choices:
        made["options"] = [str(choice) for choice in parameter.choices]
    if isinstance(default, str):
        _plain(default)
    return made


def _job(plan: Plan, task: Task) -> dict[str, Any]:
    requirements = shlex.quote(f"{plan.options.package}/requirements.txt")
    steps: list[dict[str, Any]] = [{"uses": "actions/checkout@v5"}]
    if not task.image:
        steps.append(
            {
                "uses": "actions/setup-python@v6",
                "with": {"python-version": "3.12", "cache": "pip"},
            }
        )
    steps.append({"run": _plain(f"pip install -r {requirements}")})
    # Artifacts belong to the run of the workflow, so `needs` names the direct
    # predecessors only, and all other bundles can be fetched as well.
    for name in task.take:
        take = {"name": f"stage-{name}", "path": f"{_BUNDLES}/{name}"}
        steps.append({"uses": "actions/download-artifact@v5", "with": take})
    environment = _environment(task)
    steps.append(
        {
            "run": _plain(_command(plan, task)),
            **({"env": environment} if environment else {}),
        }
    )
    left = {
        "name": f"stage-{task.name}",
        "path": f"{_BUNDLES}/{task.name}",
        # Since 4.4 upload-artifact leaves out what begins with a dot unless told.
        "include-hidden-files": True,
    }
    steps.append({"uses": "actions/upload-artifact@v5", "with": left})
    report = {"name": f"report-{task.name}", "path": f"{task.name}.html"}
    # The report of a stage that failed is the one that people look for.
    steps.append(
        {"if": "always()", "uses": "actions/upload-artifact@v5", "with": report}
    )
    job: dict[str, Any] = {"needs": list(task.after)} if task.after else {}
    job["runs-on"] = "ubuntu-latest"
    if task.seconds_in_all:
        # Five minutes more, for pip and for carrying bundles.
        job["timeout-minutes"] = math.ceil(task.seconds_in_all / 60) + 5
    if task.image:
        job["container"] = _plain(task.image)
    return {**job, "steps": steps}


def _command(plan: Plan, task: Task) -> str:
    words = [
        *plan.with_bundles(task, _BUNDLES),
        "--html",
        f"{task.name}.html",
        "--result",
        f"{task.name}.json",
    ]
    # A re-run keeps the number and counts the attempt: here it is a run of its own.
    return f'{shlex.join(words)} --run-id "github-$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT"'


def _environment(task: Task) -> dict[str, str]:
    """Inputs are there only where somebody filled them in: on a schedule the notebook's
    values hold."""
    variables = {}
    for each in task.parameters:
        # The default unless somebody started it by hand, else the input. An empty one
        # is false and comes to the input, which is empty on a schedule too. GitHub's
        # texts double their apostrophes.
        default = each.text.replace("'", "''")
        told = f"github.event_name != 'workflow_dispatch' && '{default}' || inputs.{each.name}"
        variables[each.variable] = f"${{{{ {told} }}}}"
    secrets = {name: f"${{{{ secrets.{name} }}}}" for name in task.secrets}
    return {**variables, **secrets}


def _plain(text: str) -> str:
    return unevaluated(text, "GitHub", "${{")


EXPORTER = Exporter(
    engine="github",
    title="GitHub Actions",
    file=".github/workflows/{label}.yml",
    write=_write,
    carries=frozenset({"timeout", "secrets", "schedule", "image"}),
    paths="relative",
)
