"""A run as the document that Kubeflow Pipelines takes, which its own SDK would compile.
Pure.

`document_of` gives the pipeline's spec and what Kubernetes has to know besides. Stages
are containers in a root that all of them mount. Raises ExportError for values that
Kubeflow Pipelines would replace.
"""

from __future__ import annotations

from typing import Any

from jupyter_pipe.export import Plan
from jupyter_pipe.export.plan import (
    PlanParameter,
    Task,
    kubernetes_names,
    one_device,
    unevaluated,
)
from jupyter_pipe.runs.remote import is_url
from jupyter_pipe.trust.keys import KEY_VARIABLE

__all__ = ["document_of", "task_names"]

_TYPES = {
    "int": "NUMBER_INTEGER",
    "float": "NUMBER_DOUBLE",
    "bool": "BOOLEAN",
    "str": "STRING",
}
_REPORT = "report"


def task_names(plan: Plan) -> dict[str, str]:
    """What the task of each stage is called; `root` is the pipeline's own."""
    return kubernetes_names((task.name for task in plan.tasks), "root")


def document_of(plan: Plan, run_id: str) -> dict[str, Any]:
    """Both specs, as the API has them in `pipeline_spec`."""
    names = task_names(plan)
    parameters = {each.name: _declared(each) for each in plan.parameters}
    spec = {
        "pipelineInfo": {"name": plan.label, "description": plan.description},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.3",
        "root": {
            "inputDefinitions": {"parameters": parameters},
            "dag": {
                "tasks": {names[task.name]: _task(task, names) for task in plan.tasks}
            },
        },
        "components": {
            f"comp-{names[task.name]}": _component(task, names) for task in plan.tasks
        },
        "deploymentSpec": {
            "executors": {
                f"exec-{names[task.name]}": {
                    "container": _container(plan, task, run_id)
                }
                for task in plan.tasks
            }
        },
    }
    kubernetes = {
        f"exec-{names[task.name]}": _surroundings(plan, task) for task in plan.tasks
    }
    platforms = {"kubernetes": {"deploymentSpec": {"executors": kubernetes}}}
    return {"pipeline_spec": spec, "platform_spec": {"platforms": platforms}}


def _declared(parameter: PlanParameter) -> dict[str, Any]:
    return {
        "parameterType": _TYPES[parameter.type_],
        "defaultValue": _plain(
            f"the value of parameter {parameter.name!r}", parameter.default
        ),
        "isOptional": True,
        "description": parameter.description,
    }


def _component(task: Task, names: dict[str, str]) -> dict[str, Any]:
    parameters = {
        each.name: {"parameterType": _TYPES[each.type_]} for each in task.parameters
    }
    made: dict[str, Any] = {
        "executorLabel": f"exec-{names[task.name]}",
        "outputDefinitions": {
            "artifacts": {
                _REPORT: {
                    "artifactType": {
                        "schemaTitle": "system.HTML",
                        "schemaVersion": "0.0.1",
                    }
                }
            }
        },
    }
    if parameters:
        made["inputDefinitions"] = {"parameters": parameters}
    return made


def _task(task: Task, names: dict[str, str]) -> dict[str, Any]:
    name = names[task.name]
    made: dict[str, Any] = {
        "taskInfo": {"name": name},
        "componentRef": {"name": f"comp-{name}"},
        # Its values lie in the root of this run, where a cached task would leave none.
        "cachingOptions": {},
    }
    if task.after:
        made["dependentTasks"] = [names[each] for each in task.after]
    if task.parameters:
        made["inputs"] = {
            "parameters": {
                each.name: {"componentInputParameter": each.name}
                for each in task.parameters
            }
        }
    return made


def _container(plan: Plan, task: Task, run_id: str) -> dict[str, Any]:
    """The command, word by word: no shell reads it, and parameters are put where their
    marks stand."""
    words = [
        *plan.words(task),
        "--run-root",
        plan.options.run_root,
        "--run-id",
        run_id,
        "--retry",
    ]
    command, *arguments = [
        _plain(f"the command of stage {task.name!r}", word) for word in words
    ]
    arguments += ["--html", f"{{{{$.outputs.artifacts['{_REPORT}'].path}}}}"]
    for each in task.parameters:
        arguments += ["-p", f"{each.name}={{{{$.inputs.parameters['{each.name}']}}}}"]
    return {
        "image": task.image,
        "command": [command],
        "args": arguments,
        "resources": _resources(task),
    }


def _resources(task: Task) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceCpuRequest": f"{task.cpus:g}"}
    if task.memory_bytes:
        made["resourceMemoryRequest"] = str(task.memory_bytes)
    for kind, count in one_device(task, "Kubeflow Pipelines").items():
        made["accelerator"] = {"resourceType": kind, "resourceCount": count}
    return made


def _surroundings(plan: Plan, task: Task) -> dict[str, Any]:
    """The volume of the root, and the secrets: keys of the Kubernetes secret that has
    the pipeline's name. One of them signs what stages leave for each other, since each
    container has a home of its own."""
    claim = plan.options.claim or plan.label
    keys = [
        {"secretKey": name, "envVar": name} for name in (*task.secrets, KEY_VARIABLE)
    ]
    made: dict[str, Any] = {
        "secretAsEnv": [
            {
                "secretName": plan.label,
                "secretNameParameter": {"runtimeValue": {"constant": plan.label}},
                "keyToEnv": keys,
            }
        ],
    }
    # A bucket is not mounted.
    if not is_url(plan.options.run_root):
        told = {
            "constant": claim,
            "pvcNameParameter": {"runtimeValue": {"constant": claim}},
        }
        made["pvcMount"] = [{**told, "mountPath": plan.options.run_root}]
    if task.seconds_in_all:
        made["activeDeadlineSeconds"] = str(task.seconds_in_all)
    return made


def _plain(what: str, value: Any) -> Any:
    if isinstance(value, str):
        unevaluated(value, "Kubeflow Pipelines", "{{$", what=what)
    return value
