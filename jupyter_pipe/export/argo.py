"""Argo Workflows: `argo submit NAME.argo.yaml -p days=730`. A stage is a container; values travel
through the run's root, which all of them reach.

Secrets of `secret:NAME` tags are keys of a Kubernetes secret that has the pipeline's name. So is the key
with which stages sign their results for each other: each container has a home, and so a key, of its own.
"""

from __future__ import annotations

import re
from typing import Any

from jupyter_pipe.export.tasks import ExportError, Tasks, comment, default_text, parameters_of, variable
from jupyter_pipe.model import Pipeline, Stage
from jupyter_pipe.trust.keys import KEY_VARIABLE

__all__ = ["write"]


def write(pipeline: Pipeline, tasks: Tasks) -> str:
    """A manifest of kind Workflow. Raises ExportError where a stage has no image."""
    import yaml

    labels = _labels([stage.name for stage in pipeline.stages])
    given = [
        {
            "name": each.name,
            "value": _untemplated(f"the value of parameter {each.name!r}", default_text(each)),
        }
        for each in pipeline.parameters
    ]
    dag = [
        {
            "name": labels[stage.name],
            "template": labels[stage.name],
            "dependencies": [labels[name] for name in pipeline.upstream(stage.name)],
        }
        for stage in pipeline.stages
    ]
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": f"{_label(pipeline.name)}-"},
        "spec": {
            "entrypoint": "pipeline-of-stages",
            "arguments": {"parameters": given},
            "templates": [
                {"name": "pipeline-of-stages", "dag": {"tasks": dag}},
                *(_template(pipeline, stage, labels[stage.name], tasks) for stage in pipeline.stages),
            ],
        },
    }
    head = f"# {comment(pipeline.name)}, exported by jupyter_pipe: argo submit FILE [-p NAME=VALUE ...]\n"
    text: str = yaml.safe_dump(manifest, sort_keys=False, width=100, allow_unicode=True)
    return head + text


def _template(pipeline: Pipeline, stage: Stage, label: str, tasks: Tasks) -> dict[str, Any]:
    image = stage.options.image or tasks.image
    if not image:
        raise ExportError(
            f"Stage '{stage.name}' has no container image.",
            code="export_image",
            hint="Name one that has jupyter_pipe, the package and its requirements: --image IMAGE, or tag "
            "the stage image:IMAGE.",
        )
    retries = stage.options.retries
    attempt = "{{=asInt(retries) + 1}}" if retries else ""
    command = _untemplated(
        f"the command of stage {stage.name!r}",
        tasks.command(stage, run_id="\0", attempt="\0\0" if attempt else ""),
    )
    command = command.replace("\0\0", f"'{attempt}'").replace("\0", "'{{workflow.name}}'")
    container: dict[str, Any] = {"image": image, "command": ["sh", "-c"], "args": [command]}
    environment = _environment(pipeline, stage)
    if environment:
        container["env"] = environment
    requests = _requests(stage)
    if requests:
        container["resources"] = requests
    retry = {"retryStrategy": {"limit": str(retries)}} if retries else {}
    return {"name": label, **retry, "container": container}


def _untemplated(what: str, text: str) -> str:
    """Argo replaces what stands in double braces, and has no way to write braces that stay."""
    if "{{" in text:
        raise ExportError(
            f"Argo would read {{{{ in {what} as a template.",
            code="export_value",
            hint="Choose a path or value without two braces in a row.",
        )
    return text


def _environment(pipeline: Pipeline, stage: Stage) -> list[dict[str, Any]]:
    parameters = [
        {"name": variable(each.name), "value": f"{{{{workflow.parameters.{each.name}}}}}"}
        for each in parameters_of(pipeline, stage)
    ]
    holder = _label(pipeline.name)
    secrets = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": holder, "key": name}}}
        for name in (*stage.options.secrets, KEY_VARIABLE)
    ]
    return [*parameters, *secrets]


def _requests(stage: Stage) -> dict[str, Any]:
    options = stage.options
    requests = {"cpu": f"{options.cpus:g}"}
    if options.memory_bytes:
        requests["memory"] = str(options.memory_bytes)
    limits = {"nvidia.com/gpu": options.gpus} if options.gpus else {}
    return {"requests": requests, **({"limits": limits} if limits else {})}


def _labels(names: list[str]) -> dict[str, str]:
    """Kubernetes' names, one for each stage."""
    labels: dict[str, str] = {}
    for name in names:
        label = _label(name)
        while label in labels.values():
            label += "-x"
        labels[name] = label
    return labels


def _label(name: str) -> str:
    """Lower case letters, digits and hyphens, as RFC 1123 has them."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-") or "stage"
