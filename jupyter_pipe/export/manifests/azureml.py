"""Azure Machine Learning: `az ml job create -f NAME.azureml.yml --set inputs.days=730`.
A command job a stage; bundles are outputs of jobs, `uri_folder`s, so no folder is
shared. The folder of the file is uploaded with each job: package, local modules and
small data. Machines are serverless, unless the file's `default_compute` is changed to a
cluster's name."""

from __future__ import annotations

import shlex
from typing import Any

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import (
    ExportError,
    Plan,
    PlanParameter,
    Task,
    escaped,
    unevaluated,
)

__all__ = ["EXPORTER"]

_SCHEMA = "https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json"
# The line after which the shell reads on; nothing before it is looked at.
_END = "END-OF-VALUE"


def _write(plan: Plan) -> str:
    document: dict[str, Any] = {
        "$schema": _SCHEMA,
        "type": "pipeline",
        "experiment_name": plan.label,
        "display_name": _plain(plan.name),
    }
    if plan.description:
        document["description"] = _plain(plan.description)
    if plan.parameters:
        document["inputs"] = {each.name: _value(each) for each in plan.parameters}
    document["settings"] = {"default_compute": "serverless"}
    document["jobs"] = {task.name: _job(plan, task) for task in plan.tasks}
    return _yaml(document)


def _yaml(document: dict[str, Any]) -> str:
    """With scripts in lines of their own, as people write them."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        is_script = text.endswith("\n") and text.count("\n") > 1
        return dumper.represent_scalar(
            "tag:yaml.org,2002:str", text, style="|" if is_script else None
        )

    Dumper.add_representer(str, text_node)
    text: str = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, width=1000, allow_unicode=True
    )
    return text


def _value(parameter: PlanParameter) -> Any:
    """What the job is given unless told otherwise; the type is that of the value."""
    if (
        isinstance(parameter.default, str)
        and _END in _plain(parameter.default).splitlines()
    ):
        raise ExportError(
            f"The value of parameter {parameter.name!r} has a line {_END}, with which the shell's text ends.",
            code="export_value",
            hint="Change the value in the notebook.",
        )
    return parameter.default


def _job(plan: Plan, task: Task) -> dict[str, Any]:
    """A command job: folders of the stages before it, values, one folder for what it
    leaves."""
    if task.secrets:
        raise ExportError(
            f"Stage '{task.name}' needs the secret {task.secrets[0]}, and jobs of Azure ML get none.",
            code="export_value",
            hint="Read it from the workspace's key vault in the notebook, and remove the tag.",
        )
    # Folders and values are inputs of one job: beside the stage `make` a parameter
    # `make` becomes `make_`.
    names = {
        each.name: escaped(each.name, frozenset(task.take)) for each in task.parameters
    }
    made: dict[str, Any] = {"type": "command", "display_name": task.name, "code": "."}
    made["environment"] = {"image": _plain(task.image)}
    if task.take or task.parameters:
        taken = {
            name: {
                "type": "uri_folder",
                "path": f"${{{{parent.jobs.{name}.outputs.values}}}}",
            }
            for name in task.take
        }
        given = {
            names[each.name]: f"${{{{parent.inputs.{each.name}}}}}"
            for each in task.parameters
        }
        made["inputs"] = {**taken, **given}
    made["outputs"] = {"values": {"type": "uri_folder"}}
    made["command"] = _command(plan, task, names)
    if task.seconds_in_all:
        # Seconds, of all attempts, which the command makes itself.
        made["limits"] = {"timeout": task.seconds_in_all}
    return made


def _command(plan: Plan, task: Task, names: dict[str, str]) -> str:
    """Values stand in the text of the script when the shell gets it: in here-documents
    they are only text. A letter at the end keeps their last empty lines, which `$(…)`
    would cut off."""
    lines = []
    for each in task.parameters:
        here = f"$(cat <<'{_END}'\n${{{{inputs.{names[each.name]}}}}}.\n{_END}\n)"
        lines += [
            f"{each.variable}={here}",
            f'export {each.variable}="${{{each.variable}%.}}"',
        ]
    words = shlex.join(map(_plain, plan.words(task)))
    taken = [f'--take "${{{{inputs.{name}}}}}/bundle"' for name in task.take]
    left = [
        f'--{option} "${{{{outputs.values}}}}/{name}"' for option, name in _LEFT.items()
    ]
    return "\n".join([*lines, " ".join([words, *taken, *left, "--retry"])]) + "\n"


# One output holds all three, and stages after it take its `bundle`.
_LEFT = {"leave": "bundle", "html": "report.html", "result": "result.json"}


def _plain(text: str) -> str:
    return unevaluated(text, "Azure ML", "${{")


EXPORTER = Exporter(
    engine="azureml",
    title="Azure Machine Learning",
    file="{name}.azureml.yml",
    write=_write,
    carries=frozenset({"timeout", "image"}),
    paths="relative",
    needs_image=True,
)
