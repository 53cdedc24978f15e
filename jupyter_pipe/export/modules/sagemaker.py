"""SageMaker Pipelines: `python NAME_sagemaker.py ROLE s3://BUCKET/PREFIX` makes or
updates the pipeline, and without arguments prints its definition. A processing job a
stage; what stages leave are outputs of jobs below the prefix, so no folder is shared.
Its cache is asked with the digest of the stage's code."""

from __future__ import annotations

from typing import Any

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import ExportError, Plan, PlanParameter, Task

__all__ = ["EXPORTER"]

_TYPES = {"int": "Integer", "float": "Float", "bool": "Boolean", "str": "String"}
# Processors, GiB of memory and GPUs of the machines among which a stage's is chosen.
_MACHINES = {
    "ml.m5.large": (2, 8, 0),
    "ml.m5.xlarge": (4, 16, 0),
    "ml.m5.2xlarge": (8, 32, 0),
    "ml.m5.4xlarge": (16, 64, 0),
    "ml.m5.12xlarge": (48, 192, 0),
    "ml.m5.24xlarge": (96, 384, 0),
    "ml.g5.xlarge": (4, 16, 1),
    "ml.g5.4xlarge": (16, 64, 1),
    "ml.g5.12xlarge": (48, 192, 4),
    "ml.g5.48xlarge": (192, 768, 8),
}
# Characters: the API's limit for a variable of the environment.
_LONGEST_VALUE = 256
# Five days are what a processing job may take at most.
_LONGEST_SECONDS = 5 * 24 * 3600
_TEXT = """\
import json
import sys

NAME = {name!r}
DESCRIPTION = {description}
COMMAND = {command}
FOLDER = "/opt/ml/processing"
PARAMETERS = [
{parameters}
]
# Stage: the stages whose values it takes, its variables with the parameters that they hold, its image, its
# machine, the seconds that it may take, whether it may be reused, the digest of its code.
STAGES = {{
{stages}
}}


def step(name, role, store):
    take, reads, image, machine, seconds, is_cached, code = STAGES[name]
    taken = [word for each in take for word in ("--take", f"{{FOLDER}}/input/{{each}}/bundle")]
    left = f"{{FOLDER}}/output"
    files = ["--leave", f"{{left}}/bundle", "--html", f"{{left}}/report.html"]
    files += ["--result", f"{{left}}/result.json", "--retry"]
    given = {{variable: joined("", [{{"Get": f"Parameters.{{each}}"}}]) for variable, each in reads.items()}}
    # The jobs of one execution leave their values in a folder of its own.
    place = joined("/", [store.rstrip("/"), {{"Get": "Execution.PipelineExecutionId"}}, name])
    output = {{"S3Uri": place, "LocalPath": left, "S3UploadMode": "EndOfJob"}}
    told = {{
        "ProcessingResources": {{
            "ClusterConfig": {{"InstanceType": machine, "InstanceCount": 1, "VolumeSizeInGB": 30}}
        }},
        "AppSpecification": {{
            "ImageUri": image,
            "ContainerEntrypoint": [*COMMAND, name, *taken, *files],
        }},
        "ProcessingInputs": [taken_from(each) for each in take],
        "ProcessingOutputConfig": {{"Outputs": [{{"OutputName": "values", "S3Output": output}}]}},
        # Environments hold texts; the digest is there for the cache, which compares all that is here.
        "Environment": {{**given, "STAGE_CODE": code}},
        "StoppingCondition": {{"MaxRuntimeInSeconds": seconds}},
        "RoleArn": role,
    }}
    made = {{"Name": name, "Type": "Processing", "Arguments": told}}
    return {{**made, "CacheConfig": {{"Enabled": True, "ExpireAfter": "P30D"}}}} if is_cached else made


def joined(separator, values):
    return {{"Std:Join": {{"On": separator, "Values": values}}}}


def taken_from(name):
    uri = {{"Get": f"Steps.{{name}}.ProcessingOutputConfig.Outputs['values'].S3Output.S3Uri"}}
    place = {{"S3Uri": uri, "LocalPath": f"{{FOLDER}}/input/{{name}}"}}
    return {{"InputName": name, "S3Input": {{**place, "S3DataType": "S3Prefix", "S3InputMode": "File"}}}}


def main(role, store, is_dry):
    steps = [step(name, role, store) for name in STAGES]
    told = {{"Version": "2020-12-01", "Metadata": {{}}, "Parameters": PARAMETERS, "Steps": steps}}
    if is_dry:
        print(json.dumps(told, indent=2))
        return
    import boto3

    client = boto3.client("sagemaker")
    given = {{
        "PipelineName": NAME,
        "PipelineDescription": DESCRIPTION,
        "PipelineDefinition": json.dumps(told),
        "RoleArn": role,
    }}
    try:
        client.update_pipeline(**given)
    except client.exceptions.ResourceNotFound:
        client.create_pipeline(**given)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*(given or ["arn:aws:iam::000000000000:role/ROLE", "s3://BUCKET/PREFIX"]), is_dry=not given)
"""


def _write(plan: Plan) -> str:
    return _TEXT.format(
        # Names of its pipelines are letters, digits and hyphens, as a label is.
        name=plan.label,
        description=ascii(plan.description or plan.name),
        command=ascii(plan.command),
        parameters="\n".join(f"    {_parameter(each)!a}," for each in plan.parameters),
        stages="\n".join(map(_stage, plan.tasks)),
    )


def _parameter(parameter: PlanParameter) -> dict[str, Any]:
    made = {
        "Name": parameter.name,
        "Type": _TYPES[parameter.type_],
        "DefaultValue": parameter.default,
    }
    if parameter.choices and parameter.type_ == "str":
        made["EnumValues"] = list(parameter.choices)
    return made


def _stage(task: Task) -> str:
    _refuse(task)
    told = (
        list(task.take),
        {each.variable: each.name for each in task.parameters},
        task.image,
        _machine(task),
        task.seconds_in_all or _LONGEST_SECONDS,
        task.cache,
        task.digest,
    )
    return f"    {task.name!r}: {told!a},"


def _machine(task: Task) -> str:
    # From small to large, so the first that has enough is the smallest.
    for name, (cpus, memory, gpus) in _MACHINES.items():
        fits = cpus >= task.cpus and memory * 2**30 >= (task.memory_bytes or 0)
        if fits and gpus >= task.gpus:
            return name
    raise ExportError(
        f"No machine of SageMaker that is known here has what stage '{task.name}' asks for.",
        code="export_value",
        hint=f"The largest have {_MACHINES['ml.m5.24xlarge']} and {_MACHINES['ml.g5.48xlarge']} processors, "
        "GiB and GPUs.",
    )


def _refuse(task: Task) -> None:
    """What a processing job cannot be told."""
    if task.secrets:
        raise ExportError(
            f"Stage '{task.name}' needs the secret {task.secrets[0]}, and processing jobs have none.",
            code="export_value",
            hint="Read it from Secrets Manager in the notebook, by the role of the job, and remove the tag.",
        )
    for each in task.parameters:
        if len(each.text) > _LONGEST_VALUE:
            raise ExportError(
                f"The value of parameter {each.name!r} is longer than the {_LONGEST_VALUE} characters that "
                "environments of processing jobs hold.",
                code="export_value",
                hint="Give the notebook the name of a file instead.",
            )


EXPORTER = Exporter(
    engine="sagemaker",
    title="SageMaker Pipelines",
    file="{name}_sagemaker.py",
    write=_write,
    carries=frozenset({"timeout", "cpus", "memory", "gpus", "image"}),
    needs_image=True,
)
