"""Pachyderm: `pachctl create pipeline -f NAME.pachyderm.yaml`. A stage is a pipeline, and
its bundle what that leaves in the repository of its name.

Parameters are a file of a repository, `parameters.yaml`: putting another one there starts
a run, as new data does anywhere in Pachyderm. Secrets of `secret:NAME` tags are keys of a
Kubernetes secret that has the notebook's name.
"""

from __future__ import annotations

import json
from typing import Any

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import (
    ExportError,
    Plan,
    Task,
    kubernetes_names,
    parameters_yaml,
)

__all__ = ["EXPORTER"]

_FILE = "parameters.yaml"
# Pachyderm's own limit is 51, and stages need room beside the name of the notebook.
_LONGEST_PREFIX = 24


def _write(plan: Plan) -> str:
    import yaml

    names = _Names(plan)
    specs = [_schedule(plan, names)] if plan.schedule else []
    specs += [_stage(plan, task, names) for task in plan.tasks]
    text: str = yaml.safe_dump_all(
        specs,
        sort_keys=False,
        width=1000,
        allow_unicode=True,
        explicit_start=True,
        default_flow_style=None,
    )
    return text


class _Names:
    """What the notebook's repositories are called: all begin with its name, since those
    of a project lie next to each other. A pipeline and its repository have one name,
    under which others find it below /pfs."""

    def __init__(self, plan: Plan) -> None:
        prefix = plan.label[:_LONGEST_PREFIX].strip("-")
        self.parameters = f"{prefix}-parameters"
        self.schedule = f"{prefix}-schedule"
        called = kubernetes_names(
            (f"{prefix}-{task.name}" for task in plan.tasks),
            self.parameters,
            self.schedule,
        )
        self.stages = {
            task.name: called[f"{prefix}-{task.name}"] for task in plan.tasks
        }


def _schedule(plan: Plan, names: _Names) -> dict[str, Any]:
    """One clock for all stages that begin: with one each, a stage after two of them would
    run once for every tick of either."""
    # Without `overwrite` each tick would be one more datum beside all former ones.
    tick = {"name": "tick", "spec": plan.schedule, "overwrite": True}
    return {
        "pipeline": {"name": names.schedule},
        "transform": {
            # It copies a file: any image with a shell will do.
            "image": plan.tasks[0].image,
            "cmd": ["sh", "-c", "cp /pfs/tick/* /pfs/out/"],
        },
        "input": {"cron": tick},
        "autoscaling": True,
    }


def _stage(plan: Plan, task: Task, names: _Names) -> dict[str, Any]:
    """One datum, which is all that the stages before have left. `run-stage` tries again
    itself: Pachyderm would repeat what comes out the same, such as a false gate."""
    _require_ascii(task)
    spec: dict[str, Any] = {"pipeline": {"name": names.stages[task.name]}}
    if plan.description:
        spec["description"] = plan.description
    spec["transform"] = _transform(plan, task, names)
    # `/` makes one datum of a whole repository, and `cross` one of all together.
    inputs = [
        {"pfs": {"repo": repo, "glob": "/"}} for repo in _inputs(plan, task, names)
    ]
    spec["input"] = {"cross": inputs} if len(inputs) > 1 else inputs[0]
    spec |= _resources(task)
    spec["datumTries"] = 1
    if task.seconds_in_all:
        spec["datumTimeout"] = f"{task.seconds_in_all}s"
    if not task.cache:
        # Otherwise a datum that was seen before is skipped.
        spec["reprocessSpec"] = "every_job"
    # Workers that wait for the next run would keep their machines.
    spec["autoscaling"] = True
    return spec


def _require_ascii(task: Task) -> None:
    if not task.name.isascii():
        raise ExportError(
            f"Stage '{task.name}' has letters that Pachyderm allows in no path, and its bundle has its name.",
            code="export_value",
            hint="Name the stage, or its notebook, with letters of ASCII.",
        )


def _inputs(plan: Plan, task: Task, names: _Names) -> list[str]:
    """The repositories that a stage sees. A stage that begins needs one to be started
    by."""
    begins = not task.after
    first = [names.schedule] if plan.schedule and begins else []
    if task.parameters or begins:
        first.append(names.parameters)
    return [*first, *(names.stages[name] for name in task.take)]


def _transform(plan: Plan, task: Task, names: _Names) -> dict[str, Any]:
    """The command without a shell: its words arrive as they are."""
    taken = [f"/pfs/{names.stages[name]}/bundle" for name in task.take]
    words = plan.words(task)
    for path in taken:
        words += ["--take", path]
    words += ["--leave", "/pfs/out/bundle", "--result", "/pfs/out/result.json"]
    words += ["--html", "/pfs/out/report.html", "--retry"]
    if task.parameters:
        words += ["-f", f"/pfs/{names.parameters}/{_FILE}"]
    made: dict[str, Any] = {"image": task.image, "cmd": words}
    if task.secrets:
        made["secrets"] = [
            {"name": plan.label, "key": name, "envVar": name} for name in task.secrets
        ]
    return made


def _resources(task: Task) -> dict[str, Any]:
    requests: dict[str, Any] = {"cpu": task.cpus}
    if task.memory_bytes:
        requests["memory"] = str(task.memory_bytes)
    found: dict[str, Any] = {"resourceRequests": requests}
    if task.limits:
        # `resourceLimits` has a word for one kind of device only.
        patch = {
            "op": "add",
            "path": "/containers/0/resources/limits",
            "value": task.devices,
        }
        found["podPatch"] = json.dumps([patch])
    elif task.gpus:
        device = {"type": "nvidia.com/gpu", "number": task.gpus}
        found["resourceLimits"] = {"gpu": device}
    return found


EXPORTER = Exporter(
    engine="pachyderm",
    title="Pachyderm",
    file="{name}.pachyderm.yaml",
    write=_write,
    carries=frozenset(
        {"timeout", "secrets", "schedule", "cpus", "memory", "gpus", "limits", "image"}
    ),
    needs_image=True,
    companions=lambda plan: {_FILE: parameters_yaml(plan)},
)
