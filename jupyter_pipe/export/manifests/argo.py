"""Argo Workflows: `argo submit NAME.argo.yaml -p days=730`, or a CronWorkflow where the
notebook has a schedule. A stage is a container; values travel through the run's root,
which all of them reach: a URL, or a folder of the volume claim that has the pipeline's
name.

Secrets of `secret:NAME` tags are keys of a Kubernetes secret that has the pipeline's
name. So is the key with which stages sign their results for each other: each container
has a home, and so a key, of its own.
"""

from __future__ import annotations

from typing import Any

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import (
    Plan,
    PlanParameter,
    Task,
    kubernetes_names,
    unevaluated,
)
from jupyter_pipe.runs.remote import is_url
from jupyter_pipe.trust.keys import KEY_VARIABLE

__all__ = ["EXPORTER", "manifest_of", "template_names", "untemplated"]

# No stage has a name with a space, and so none has this label.
_ENTRY = "all-stages"


def _write(plan: Plan) -> str:
    import yaml

    text: str = yaml.safe_dump(
        manifest_of(plan),
        sort_keys=False,
        width=100,
        allow_unicode=True,
        default_flow_style=None,
    )
    return text


def manifest_of(plan: Plan) -> dict[str, Any]:
    """The workflow as the cluster gets it. Raises ExportError for values that Argo
    would replace."""
    labels = template_names(plan)
    dag = [
        {
            "name": labels[task.name],
            "template": labels[task.name],
            "dependencies": [labels[name] for name in task.after],
        }
        for task in plan.tasks
    ]
    spec: dict[str, Any] = {
        "entrypoint": _ENTRY,
        "arguments": {"parameters": [_argument(each) for each in plan.parameters]},
        "templates": [
            {"name": _ENTRY, "dag": {"tasks": dag}},
            *(_template(plan, task, labels[task.name]) for task in plan.tasks),
        ],
    }
    if not is_url(plan.options.run_root):
        claim = plan.options.claim or plan.label
        spec["volumes"] = [
            {"name": "runs", "persistentVolumeClaim": {"claimName": claim}}
        ]
    return {"apiVersion": "argoproj.io/v1alpha1", **_kind(plan, spec)}


def _kind(plan: Plan, spec: dict[str, Any]) -> dict[str, Any]:
    if plan.schedule is None:
        return {
            "kind": "Workflow",
            # Each submission gets a name of its own, which is the run's id in the root.
            "metadata": {"generateName": f"{plan.label}-"},
            "spec": spec,
        }
    cron = {
        "schedules": [plan.schedule],
        # A tick during a run starts none beside it.
        "concurrencyPolicy": "Forbid",
        "workflowSpec": spec,
    }
    return {"kind": "CronWorkflow", "metadata": {"name": plan.label}, "spec": cron}


def _argument(parameter: PlanParameter) -> dict[str, Any]:
    what = f"the value of parameter {parameter.name!r}"
    made: dict[str, Any] = {
        "name": parameter.name,
        "value": untemplated(what, parameter.text),
    }
    if parameter.choices:
        # Parameters of Argo are texts, and so are the choices of a number: "30", "365".
        made["enum"] = [str(choice) for choice in parameter.choices]
    if parameter.description:
        made["description"] = untemplated(
            f"the description of {parameter.name!r}", parameter.description
        )
    return made


def _template(plan: Plan, task: Task, label: str) -> dict[str, Any]:
    # NUL, which no path can have, marks the places of Argo's own templates: these come
    # in behind the check that refuses all others. `retries` counts from 0, attempts
    # of ours from 1; only templates with a retryStrategy know it.
    command = untemplated(
        f"the command of stage {task.name!r}",
        plan.in_root(task, "\0", attempt="\0\0" if task.retries else "1"),
    )
    command = command.replace("\0\0", "'{{=asInt(retries) + 1}}'").replace(
        "\0", "'{{workflow.name}}'"
    )
    container: dict[str, Any] = {
        "image": task.image,
        "command": ["sh", "-c"],
        "args": [command],
        "env": _environment(plan, task),
        "resources": _requests(task),
    }
    if not is_url(plan.options.run_root):
        container["volumeMounts"] = [
            {"name": "runs", "mountPath": plan.options.run_root}
        ]
    made: dict[str, Any] = {"name": label}
    if task.retries:
        # 1 is the one exit code after which another attempt may end otherwise; -1 is a
        # pod that was lost.
        again = "lastRetry.exitCode in ['1', '-1']"
        made["retryStrategy"] = {
            "limit": str(task.retries),
            "retryPolicy": "Always",
            "expression": again,
        }
    if task.timeout_seconds:
        # Whole seconds, of one attempt: each is a pod of its own.
        made["activeDeadlineSeconds"] = int(task.timeout_seconds + 0.999)
    return {**made, "container": container}


def untemplated(what: str, text: str) -> str:
    """The text, unless Argo would replace something in it."""
    return unevaluated(text, "Argo", "{{", what=what)


def _environment(plan: Plan, task: Task) -> list[dict[str, Any]]:
    parameters = [
        {"name": each.variable, "value": f"{{{{workflow.parameters.{each.name}}}}}"}
        for each in task.parameters
    ]
    secrets = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": plan.label, "key": name}}}
        for name in (*task.secrets, KEY_VARIABLE)
    ]
    return [*parameters, *secrets]


def _requests(task: Task) -> dict[str, Any]:
    requests = {"cpu": f"{task.cpus:g}"}
    if task.memory_bytes:
        requests["memory"] = str(task.memory_bytes)
    # Of devices Kubernetes takes limits, and makes the requests of them itself.
    limits = {"limits": task.devices} if task.devices else {}
    return {"requests": requests, **limits}


def template_names(plan: Plan) -> dict[str, str]:
    """What the template, and the task, of each stage is called."""
    return kubernetes_names((task.name for task in plan.tasks), _ENTRY)


EXPORTER = Exporter(
    engine="argo",
    title="Argo Workflows",
    file="{name}.argo.yaml",
    write=_write,
    carries=frozenset(
        {"timeout", "secrets", "schedule", "cpus", "memory", "gpus", "limits", "image"}
    ),
    root=True,
    needs_root=True,
    needs_image=True,
)
